// SPDX-License-Identifier: MIT
// One BPF object: opened, configured, loaded and attached in the constructor.
#pragma once

#include "format.h" // the shared struct
#include "privileges.h"

#include <cstdint>
#include <functional>
#include <map>
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

// To be called where an exception was caught: its errno, also if the C++ library threw it (no memory, no more threads).
int caught_errno();

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
	uint64_t drops(attempt_drop reason) const { return __atomic_load_n(&counters_->drops[reason], __ATOMIC_RELAXED); }

	// An upper bound of the attempts whose begin and SYN were missed, since a program was interrupted on that CPU; 0 if the
	// kernel does not count them.
	uint64_t missed() const;

	using Take = std::function<void(const char *chunk, size_t size)>;

	// Attempts that ever had an entry in the table; those that have one; and calls without one that have not returned.
	uint64_t opened() const { return __atomic_load_n(&counters_->opened, __ATOMIC_RELAXED); }
	uint64_t open() const { return opened() - __atomic_load_n(&counters_->closed, __ATOMIC_RELAXED); }
	uint64_t calls() const { return __atomic_load_n(&counters_->calls, __ATOMIC_RELAXED); }

	// Runs the iterators, which report what waits and is due: calls into the ring buffer, attempts to `take`, which gets chunks
	// of whole records and their size in bytes. Returns when the next line will be due (boot clock; UINT64_MAX: never).
	uint64_t look(const Take &take);

	// The same for all attempts that are still open, due or not. After detach(). Returns how many they are.
	uint64_t look_last(const Take &take);

	// The last records are those of calls that wait. None is new after it returned. From any thread, any number of times.
	void detach();

	// Whether the kernel lets this process, as that user and without any capability, run iterators. Kernels before 5.19
	// may not.
	bool readable_unprivileged(const Identity *identity) const;

private:
	void open(const std::string &path, const KernelTypes &types, const attempt_config &config,
			  const std::vector<std::string> &cgroups, uint32_t ring_bytes);
	bool load(const Log &log);
	void choose();
	void configure(attempt_config config, const std::vector<std::string> &cgroups, uint32_t ring_bytes);
	bool go_without(const bpf_program *program);
	void set_cgroups(const std::vector<std::string> &paths);
	void attach();
	bpf_link *attach(bpf_program *program);
	void check() const;
	void map_counters();
	void adopt();
	bool run(const char *iterator, const Take &take = {}) const;
	void release();

	bpf_object *object_ = nullptr;
	std::set<std::string> optional_; // names of programs
	std::vector<std::string> unhooked_;
	bool outcomes_ = false;
	std::map<std::string, bpf_link *> iterators_; // by the program's name
	attempt_counters *counters_ = nullptr;
	std::mutex mutex_; // for what follows
	std::vector<bpf_link *> beginnings_, links_;
};

} // namespace synpipe
