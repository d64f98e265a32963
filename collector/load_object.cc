// SPDX-License-Identifier: MIT
#include "load_object.h"

#include "kernel_types.h"
#include "program.h"

#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>

namespace synpipe {
namespace {

// libbpf tells only its log which program or map it was, and passes no argument of ours to its print function.
thread_local char refused[sizeof "program " + 64];

// Keeps the first name: libbpf then logs the failures that follow from it. The log itself is dropped.
int print(libbpf_print_level level, const char *format, va_list arguments) {
	char line[256], name[64];
	if (level != LIBBPF_WARN || *refused) return 0;
	vsnprintf(line, sizeof line, format, arguments);
	if (sscanf(line, "libbpf: prog '%63[^']'", name) == 1) snprintf(refused, sizeof refused, "program %s", name);
	if (sscanf(line, "libbpf: map '%63[^']'", name) == 1) snprintf(refused, sizeof refused, "map %s", name);
	return 0;
}

// No other code uses this copy of libbpf.
[[maybe_unused]] const libbpf_print_fn_t before = libbpf_set_print(print);

} // namespace

bpf_object *open_object(const std::string &path, const KernelTypes &types) {
	LIBBPF_OPTS(bpf_object_open_opts, options);
	options.btf_custom_path = types.path();
	return bpf_object__open_file(path.c_str(), &options);
}

void load_object(bpf_object *object, const char *step) {
	*refused = 0; // from an attempt to attach
	if (int error = bpf_object__load(object))
		throw Failure(std::string("cannot load BPF ") + (*refused ? refused : "programs"), -error, step);
}

} // namespace synpipe
