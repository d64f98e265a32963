// SPDX-License-Identifier: MIT
// The running kernel's types (BTF) that a BPF object names, with the fields that it names. libbpf searches all types that it is
// given for each one that the object reads. With all of the kernel's, which are over 100,000, a start and stop of the
// collector takes a third more CPU (455 and 340 ms, 15 alternating starts on a busy machine, Linux 6.18, three objects).
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

	// For btf_custom_path of libbpf, as long as this object exists; NULL: libbpf uses all types.
	const char *path() const { return path_.empty() ? nullptr : path_.c_str(); }

private:
	int fd_ = -1; // a file in memory
	std::string path_;
};

} // namespace synpipe
