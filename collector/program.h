// SPDX-License-Identifier: MIT
// One BPF object. The constructor opens, configures, loads and attaches it.
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

// Returns the errno of the exception being handled, also if the C++ library threw it (no memory, no more threads). To be called
// in a catch block.
int caught_errno();

class KernelTypes;
class Log;

// Returns NULL, with errno set, if the object cannot be opened. The types must live until it is loaded.
bpf_object *open_object(const std::string &path, const KernelTypes &types);

class Program {
public:
	// Throws Failure. `cgroups` are paths; config.cgroup_count is their number. `ring_bytes` 0: the size set in the object.
	Program(const std::string &object, const attempt_config &config, const std::vector<std::string> &cgroups,
			uint32_t ring_bytes);
	~Program();
	Program(const Program &) = delete;
	Program &operator=(const Program &) = delete;

	int events_fd() const;
	// Returns the functions that this kernel lacks, or does not allow to hook: what only they show is not seen.
	const std::vector<std::string> &unhooked() const { return unhooked_; }
	uint64_t drops(attempt_drop reason) const { return __atomic_load_n(&counters_->drops[reason], __ATOMIC_RELAXED); }

	// Returns an upper bound for the attempts whose entry and SYN were missed because a program was already running on that
	// CPU and had been interrupted; 0 if the kernel does not count them.
	uint64_t missed() const;

	using Take = std::function<void(const char *chunk, size_t size)>;

	// Attempts that ever had an entry in the table, those that have one now, and calls in progress without an entry.
	uint64_t opened() const { return __atomic_load_n(&counters_->opened, __ATOMIC_RELAXED); }
	uint64_t open() const { return opened() - __atomic_load_n(&counters_->closed, __ATOMIC_RELAXED); }
	uint64_t calls() const { return __atomic_load_n(&counters_->calls, __ATOMIC_RELAXED); }

	// Runs the iterators, which report what is waiting and due: calls to the ring buffer, attempts to `take`, which gets chunks
	// of whole records and their size in bytes. Returns when the next line will be due (boot clock; UINT64_MAX: never).
	uint64_t look(const Take &take);

	// Does the same for all attempts that are still open, due or not. Call it after detach(). Returns their number.
	uint64_t look_last(const Take &take);

	// Detaches the programs, and reports the calls that are waiting. No record is added once it has returned. May be called
	// from any thread, repeatedly.
	void detach();

	// Whether the kernel lets this process run iterators as that user and without any capability. Kernels before 5.19 may
	// refuse.
	bool readable_unprivileged(const Identity *identity) const;

private:
	void open(const std::string &path, const KernelTypes &types, const attempt_config &config,
			  const std::vector<std::string> &cgroups, uint32_t ring_bytes);
	bool load(const Log &log);
	void select_programs();
	void configure(attempt_config config, const std::vector<std::string> &cgroups, uint32_t ring_bytes);
	bool leave_out(const bpf_program *program);
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
	std::mutex mutex_; // for the next line
	std::vector<bpf_link *> entry_links_, links_;
};

} // namespace synpipe
