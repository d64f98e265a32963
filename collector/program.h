// SPDX-License-Identifier: MIT
// One BPF object: opened, configured, loaded and attached in the constructor.
#pragma once

#include "format.h" // the shared struct
#include "privileges.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

struct bpf_link;
struct bpf_object;
struct bpf_program;

namespace synpipe {

struct Failure : std::runtime_error {
	Failure(const std::string &what, int error, const char *step, std::string log = "");
	int error; // errno
	const char *step;
	std::string log; // the last lines of libbpf and of the kernel's verifier
};

class KernelTypes;
class Log;

// NULL and errno where it cannot be. The types must live until it is loaded.
bpf_object *open_object(const std::string &path, const KernelTypes &types);

class Program {
public:
	// Throws Failure. `cgroups` are paths, of which config counts as many. `ring_bytes` 0: as the object has it.
	Program(const std::string &object, const attempt_config &config, const std::vector<std::string> &cgroups,
			uint32_t ring_bytes);
	~Program();
	Program(const Program &) = delete;
	Program &operator=(const Program &) = delete;

	int events_fd() const;
	// Functions that this kernel does not have, or not to be hooked: what only they show is not seen.
	const std::vector<std::string> &unhooked() const { return unhooked_; }
	uint64_t drops(attempt_drop reason) const { return __atomic_load_n(&drops_[reason], __ATOMIC_RELAXED); }

	// Calls that began while the program of beginnings was interrupted on that CPU, and so did not run, whatever they
	// were; 0 where the kernel does not say.
	uint64_t missed() const;

	// The last records are those of calls that wait. None is new after it returned. From any thread, any number of times.
	void detach();

	// What is left in the table: attempts that are still under way. After detach().
	void each_open(const std::function<void(attempt &)> &visit) const;

	// Whether the kernel lets this process, as that user and without any capability, read the table. Kernels before 5.19
	// may not.
	bool readable_unprivileged(const Identity *identity) const;

private:
	void open(const std::string &path, const KernelTypes &types, const attempt_config &config,
			  uint32_t ring_bytes);
	bool load(const Log &log);
	void choose();
	void configure(const attempt_config &config, uint32_t ring_bytes);
	bool go_without(const bpf_program *program);
	void set_cgroups(const std::vector<std::string> &paths);
	void attach();
	bpf_link *attach(bpf_program *program);
	void check() const;
	void map_drops();
	void tell_waiting();
	void release();

	bpf_object *object_ = nullptr;
	std::set<std::string> optional_; // names of programs
	std::vector<std::string> unhooked_;
	std::mutex mutex_; // for what follows
	std::vector<bpf_link *> beginnings_, links_;
	int waiting_fd_ = -1; // of the iterator
	uint64_t *drops_ = nullptr;
};

} // namespace synpipe
