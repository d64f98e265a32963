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
	Failure(const std::string &what, int error, const char *step);
	int error; // errno
	const char *step;
};

// Returns the errno of the exception being handled, also if the C++ library threw it (no memory, no more threads). To be called
// in a catch block.
int caught_errno();

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

	// Attempts that ever had an entry in the table, those that have one now, and calls in progress without an entry.
	uint64_t opened() const { return __atomic_load_n(&counters_->opened, __ATOMIC_RELAXED); }
	uint64_t open() const { return opened() - __atomic_load_n(&counters_->closed, __ATOMIC_RELAXED); }
	uint64_t calls() const { return __atomic_load_n(&counters_->calls, __ATOMIC_RELAXED); }

	// Runs the iterators, which report to the ring buffer what is waiting and due. Returns when the next line will be due (boot
	// clock; UINT64_MAX: never).
	uint64_t look();

	// Does the same for all attempts that are still open, due or not. Call it after detach(). Returns their number so far.
	uint64_t look_last();

	// Whether the last look stopped early, because the ring buffer had too little room: read that, and look again.
	bool more() const { return counters_->more; }

	// Finds connections whose end was missed. Also reports all that are open to the ring buffer, unless report_ns is 0: the
	// time (boot clock) when this report began, which is the same for all looks of one report.
	void look_at_connections(uint64_t report_ns);

	// Connections that are open, if their ends are to be reported.
	uint64_t connected() const {
		return __atomic_load_n(&counters_->connected, __ATOMIC_RELAXED) -
			   __atomic_load_n(&counters_->disconnected, __ATOMIC_RELAXED);
	}

	// Detaches the programs, and reports the calls that are waiting. No record is added once it has returned. May be called
	// from any thread, repeatedly.
	void detach();

	// Whether the kernel lets this process run iterators as that user and without any capability. Kernels before 5.19 may
	// refuse.
	bool readable_unprivileged(const Identity *identity) const;

private:
	void select_programs(bool drops);
	bool leave_out(const bpf_program *program);
	bool is_left_out(const bpf_program *program) const;
	void configure(attempt_config config, const std::vector<std::string> &cgroups, uint32_t ring_bytes);
	void set_cgroups(const std::vector<std::string> &paths);
	void attach();
	bpf_link *attach(bpf_program *program);
	void check() const;
	void map_counters();
	void adopt();
	void check_connections(uint64_t report_ns);
	bool run(const char *iterator) const;
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
