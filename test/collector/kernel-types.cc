// SPDX-License-Identifier: MIT
// Relocates the programs of BPF objects twice: with only the kernel types that they name, and with all of them. Prints the
// number of instructions, and the name of each program that differs.
#include "kernel_types.h"

#include <bpf/libbpf.h>
#include <cstdio>
#include <cstring>
#include <map>
#include <vector>

using Code = std::map<std::string, std::vector<bpf_insn>>;

static Code relocate(const char *path, const std::string &types) {
	bpf_object_open_opts options = {};
	options.sz = sizeof options;
	if (!types.empty()) options.btf_custom_path = types.c_str();
	bpf_object *object = bpf_object__open_file(path, &options);
	bpf_program *program;
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, true);
	bpf_object__load(object); // it does not matter if the kernel rejects them
	Code code;
	bpf_object__for_each_program(program, object) {
		std::vector<bpf_insn> &to = code[bpf_program__name(program)];
		to.assign(bpf_program__insns(program), bpf_program__insns(program) + bpf_program__insn_cnt(program));
		for (size_t i = 0; i < to.size(); i++) // a 64-bit load of a map or function: the address differs each time
			if (to[i].code == 0x18) to[i].imm = 0, to[i + 1].imm = 0;
	}
	bpf_object__close(object);
	return code;
}

int main(int count, char **paths) {
	libbpf_set_print(nullptr);
	for (int i = 1; i < count; i++) {
		synpipe::KernelTypes types(paths[i]);
		if (types.path().empty()) printf("no types for %s\n", paths[i]);
		Code some = relocate(paths[i], types.path()), all = relocate(paths[i], "");
		size_t size = 0;
		for (auto &[name, code] : all) {
			size += code.size();
			if (code.size() != some[name].size() || memcmp(code.data(), some[name].data(), code.size() * sizeof code[0]))
				printf("%s is another program\n", name.c_str());
		}
		printf("%zu\n", size);
	}
}
