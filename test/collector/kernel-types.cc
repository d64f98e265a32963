// SPDX-License-Identifier: MIT
// Relocates the programs of BPF objects, once with the kernel's types that they name and once with all types. Prints the number
// of instructions of each object, and the name of each program that differs.
#include "kernel_types.h"

#include <bpf/libbpf.h>
#include <cstdio>
#include <cstring>
#include <map>
#include <vector>

using Code = std::map<std::string, std::vector<bpf_insn>>;

static Code relocate(const char *path, const char *types) {
	LIBBPF_OPTS(bpf_object_open_opts, options);
	options.btf_custom_path = types;
	bpf_object *object = bpf_object__open_file(path, &options);
	bpf_program *program;
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, true);
	bpf_object__load(object); // even if the kernel refuses them, they have been relocated
	Code code;
	bpf_object__for_each_program(program, object) {
		std::vector<bpf_insn> &to = code[bpf_program__name(program)];
		to.assign(bpf_program__insns(program), bpf_program__insns(program) + bpf_program__insn_cnt(program));
		for (size_t i = 0; i < to.size(); i++) // loads the address of a map or a function, which is new each time
			if (to[i].code == 0x18) to[i].imm = 0, to[i + 1].imm = 0;
	}
	bpf_object__close(object);
	return code;
}

int main(int count, char **paths) {
	libbpf_set_print(nullptr);
	for (int i = 1; i < count; i++) {
		synpipe::KernelTypes types(paths[i]);
		if (!types.path()) printf("no types for %s\n", paths[i]);
		Code some = relocate(paths[i], types.path()), all = relocate(paths[i], nullptr);
		size_t size = 0;
		for (auto &[name, code] : all) {
			size += code.size();
			if (code.size() != some[name].size() || memcmp(code.data(), some[name].data(), code.size() * sizeof code[0]))
				printf("%s differs\n", name.c_str());
		}
		printf("%zu\n", size);
	}
}
