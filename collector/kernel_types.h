// SPDX-License-Identifier: MIT
// Of the running kernel's types (BTF), those that a BPF object names, and of their fields likewise. libbpf looks
// through all that it is given for each type that the object reads: with all 100,000 of the kernel's that took a
// good part of a start.
#pragma once

#include <string>

namespace synpipe {

class KernelTypes {
public:
	// Reads the object's names and the kernel's types. Where that cannot be done, path() is empty.
	explicit KernelTypes(const std::string &object);
	~KernelTypes();
	KernelTypes(const KernelTypes &) = delete;
	KernelTypes &operator=(const KernelTypes &) = delete;

	// For btf_custom_path of libbpf, as long as this lives. Empty: libbpf has to do with all of them.
	const std::string &path() const { return path_; }

private:
	int fd_ = -1; // a file in memory
	std::string path_;
};

} // namespace synpipe
