// SPDX-License-Identifier: MIT
// Extracts, from the running kernel's types (BTF), the types that a BPF object names, with only the fields that it names.
// libbpf searches all the types it is given for each type that the object reads: with all 100,000 types of the kernel, that
// took a good part of the start-up time.
#pragma once

#include <string>

namespace synpipe {

class KernelTypes {
public:
	// Reads the object's names and the kernel's types. If that fails, path() is empty.
	explicit KernelTypes(const std::string &object);
	~KernelTypes();
	KernelTypes(const KernelTypes &) = delete;
	KernelTypes &operator=(const KernelTypes &) = delete;

	// Returns a path for libbpf's btf_custom_path, valid as long as this object lives. Empty: libbpf must use all types.
	const std::string &path() const { return path_; }

private:
	int fd_ = -1; // an in-memory file
	std::string path_;
};

} // namespace synpipe
