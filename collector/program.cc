// SPDX-License-Identifier: MIT
#include "program.h"

#include "kernel_types.h"
#include "load_object.h"
#include "tracefs.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace synpipe {
namespace {

void pop(std::vector<bpf_link *> &links) {
	bpf_link__destroy(links.back());
	links.pop_back();
}

// Whether the program handles the entry of a call, by its name: connect_enter and similar ones.
bool is_entry(const bpf_program *program) {
	std::string name = bpf_program__name(program);
	return name.size() > 6 && name.compare(name.size() - 6, 6, "_enter") == 0;
}

// Whether programs of raw tracepoints can be preempted: since Linux 7.0.
bool tracepoints_preempt() {
	utsname kernel;
	return !uname(&kernel) && atoi(kernel.release) >= 7;
}

const char *function_of(const bpf_program *program) { return strchr(bpf_program__section_name(program), '/') + 1; }

// Whether the kernel's types (BTF) have the program's function or tracepoint. All programs but fentry, fexit and tp_btf are
// bound to it only when they are attached, so for them the answer is yes.
bool has_function(bpf_program *program) {
	switch (bpf_program__expected_attach_type(program)) {
	case BPF_TRACE_FENTRY: case BPF_TRACE_FEXIT: case BPF_TRACE_RAW_TP:
		return !bpf_program__set_attach_target(program, 0, function_of(program));
	default:
		return true;
	}
}

} // namespace

Failure::Failure(const std::string &what, int error, const char *step)
	: runtime_error(what + ": " + (strerrorname_np(error) ?: std::to_string(error).c_str())), error(error), step(step) {}

int caught_errno() {
	try {
		throw;
	} catch (const Failure &failure) {
		return failure.error;
	} catch (const std::system_error &error) {
		return error.code().value();
	} catch (const std::bad_alloc &) {
		return ENOMEM;
	} catch (...) {
		return EINVAL;
	}
}

Program::Program(const std::string &path, const attempt_config &config, const std::vector<std::string> &cgroups,
				 uint32_t ring_bytes) {
	try {
		const KernelTypes types(path);
		object_ = open_object(path, types);
		if (!object_) throw Failure("cannot open BPF object " + path, errno, "open");
		select_programs(config.drops);
		configure(config, cgroups, ring_bytes);
		load_object(object_, "load");
		map_counters();
		set_cgroups(cgroups);
		attach();
		check();
		__atomic_fetch_or(&counters_->phase, ATTEMPT_PHASE_HOOKED, __ATOMIC_SEQ_CST);
		adopt();
	} catch (...) {
		release();
		throw;
	}
}

// Selects the programs to load. A section name that starts with a question mark marks an optional program, which libbpf loads
// only if asked to. If the kernel lacks its function, the program must be left out, or else the whole object fails to load.
void Program::select_programs(bool drops) {
	bpf_program *p;
	bpf_object__for_each_program(p, object_) {
		std::string name = bpf_program__name(p);
		if (name == "packet_drop") bpf_program__set_autoload(p, drops);
		else if (name == "syn_due") bpf_program__set_autoload(p, tracepoints_preempt());
		else if (!bpf_program__autoload(p)) optional_.insert(name);
		if (!optional_.count(name)) continue;
		if (!is_left_out(p) && !has_function(p)) leave_out(p);
		bpf_program__set_autoload(p, !is_left_out(p));
	}
}

// Leaves out both programs of a function, since an entry is of no use without its return, or the other way round. Returns
// false if the program is not optional.
bool Program::leave_out(const bpf_program *program) {
	if (!optional_.count(bpf_program__name(program))) return false;
	unhooked_.push_back(function_of(program));
	return true;
}

bool Program::is_left_out(const bpf_program *program) const {
	return std::count(unhooked_.begin(), unhooked_.end(), function_of(program)) > 0;
}

Program::~Program() { release(); }

void Program::configure(attempt_config config, const std::vector<std::string> &cgroups, uint32_t ring_bytes) {
	for (uint32_t i = 0; i < cgroups.size(); i++) {
		struct statx folder; // not stat(), which has another symbol in newer C libraries than in Node's
		if (statx(AT_FDCWD, cgroups[i].c_str(), 0, STATX_INO, &folder))
			throw Failure("cannot filter by cgroup " + cgroups[i], errno, "configure");
		config.cgroups[i] = folder.stx_ino;
	}
	bpf_map *map = bpf_object__find_map_by_name(object_, ".rodata.config");
	bpf_map *events = bpf_object__find_map_by_name(object_, "events");
	bpf_map *connections = bpf_object__find_map_by_name(object_, "connections");
	if (!map || !events || !connections) throw Failure("BPF object lacks a map", ENOENT, "configure");
	outcomes_ = config.report & ATTEMPT_OUTCOME;
	if (!(config.report & ATTEMPT_CLOSED)) bpf_map__set_max_entries(connections, 1); // its buckets take memory
	if (int error = bpf_map__set_initial_value(map, &config, sizeof config))
		throw Failure("cannot set the filters of the BPF object", -error, "configure");
	if (int error = ring_bytes ? bpf_map__set_max_entries(events, ring_bytes) : 0)
		throw Failure("cannot set the size of the ring buffer", -error, "configure");
}

void Program::set_cgroups(const std::vector<std::string> &paths) {
	int map = bpf_object__find_map_fd_by_name(object_, "wanted_cgroups");
	for (uint32_t i = 0; i < paths.size(); i++) {
		int cgroup = ::open(paths[i].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int error = cgroup < 0 || bpf_map_update_elem(map, &i, &cgroup, BPF_ANY) ? errno : 0;
		if (cgroup >= 0) close(cgroup); // the map holds the cgroup itself
		if (error) throw Failure("cannot filter by cgroup " + paths[i], error, "configure");
	}
}

// Attaches from the object's last program to its first: what starts an attempt comes after everything that completes it.
void Program::attach() {
	for (bpf_program *p = nullptr; (p = bpf_object__prev_program(object_, p));) {
		if (is_left_out(p) || !bpf_program__autoload(p)) continue;
		bpf_link *link = attach(p);
		if (int error = errno; !link && !leave_out(p))
			throw Failure(std::string("cannot attach BPF program ") + bpf_program__name(p), error, "attach");
		if (!link) continue;
		if (bpf_program__expected_attach_type(p) == BPF_TRACE_ITER) iterators_[bpf_program__name(p)] = link;
		else (is_entry(p) ? entry_links_ : links_).push_back(link);
	}
}

// Returns NULL, with errno set, if the kernel refuses.
bpf_link *Program::attach(bpf_program *program) {
	if (bpf_program__type(program) != BPF_PROG_TYPE_TRACEPOINT) return bpf_program__attach(program);
	int fd = open_tracepoint(function_of(program));
	if (fd < 0 && optional_.count(bpf_program__name(program))) return nullptr;
	if (fd < 0) throw Failure(std::string("cannot open tracepoint ") + function_of(program), -fd, "attach");
	bpf_link *link = bpf_program__attach_perf_event(program, fd);
	if (link) return link;
	int error = errno;
	close(fd);
	errno = error;
	return nullptr;
}

// Checks that connect() calls the hooked function: even if that exists, it may be inlined in connect(). The call made here
// starts no attempt, and fails.
void Program::check() const {
	int map = bpf_object__find_map_fd_by_name(object_, ".data.answered");
	if (map < 0) return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr nowhere = {};
	connect(fd, &nowhere, 0);
	close(fd);
	uint32_t key = 0;
	bool answered = false;
	if (bpf_map_lookup_elem(map, &key, &answered)) throw Failure("cannot read BPF map answered", errno, "check");
	if (!answered) throw Failure("connect() does not call the hooked function", ENXIO, "check");
}

void Program::map_counters() {
	bpf_map *map = bpf_object__find_map_by_name(object_, ".data.counters");
	int fd = map ? bpf_map__fd(map) : -1;
	void *at = mmap(nullptr, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) throw Failure("cannot map the counters", errno, "load");
	counters_ = static_cast<attempt_counters *>(at);
}

// Adds the sockets that were waiting before the hooks were attached.
void Program::adopt() {
	if (!outcomes_) return;
	for (const char *iterator : {"adopt_files", "adopt_sockets"})
		if (!run(iterator)) throw Failure(std::string("cannot run BPF iterator ") + iterator, errno, "attach");
}

int Program::events_fd() const { return bpf_object__find_map_fd_by_name(object_, "events"); }

uint64_t Program::look() {
	counters_->due_ns = UINT64_MAX;
	counters_->more = false;
	if (open()) run("look_at_open");
	if (calls()) run("look_at_call");
	return counters_->due_ns;
}

uint64_t Program::look_last() {
	__atomic_fetch_or(&counters_->phase, ATTEMPT_PHASE_LAST_OPEN, __ATOMIC_SEQ_CST);
	counters_->more = false;
	return run("look_at_open") ? counters_->still_open : open();
}

void Program::look_at_connections(uint64_t report_ns) {
	std::lock_guard<std::mutex> lock(mutex_);
	check_connections(report_ns);
}

void Program::check_connections(uint64_t report_ns) {
	counters_->more = false;
	counters_->report_ns = report_ns;
	if (connected()) run("look_at_connections");
}

// Runs an iterator to its end. EAGAIN means that the kernel paused it.
bool Program::run(const char *iterator) const {
	auto link = iterators_.find(iterator);
	int fd = link == iterators_.end() ? -1 : bpf_iter_create(bpf_link__fd(link->second));
	if (fd < 0) return false;
	char nothing[8]; // no iterator writes anything
	while (read(fd, nothing, sizeof nothing) < 0 && (errno == EINTR || errno == EAGAIN)) {}
	close(fd);
	return true;
}

uint64_t Program::missed() const {
	uint64_t all = 0, late = __atomic_load_n(&counters_->late, __ATOMIC_RELAXED);
	bpf_program *p;
	bpf_object__for_each_program(p, object_) {
		bpf_prog_info info = {};
		uint32_t size = sizeof info;
		if (is_entry(p) && !bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size)) all += info.recursion_misses;
	}
	return all > late ? all - late : 0;
}

bool Program::readable_unprivileged(const Identity *identity) const {
	bool readable = false;
	const int link = bpf_link__fd(iterators_.at("look_at_open"));
	std::thread([&] { // capabilities and user IDs belong to a thread
		give_up_privileges(0, identity);
		int fd = bpf_iter_create(link);
		readable = fd >= 0 || errno != EPERM;
		if (fd >= 0) close(fd);
	}).join();
	return readable;
}

// Looks for missed ends of connections while no other end can be missed yet. Then detaches the entries, and reports the waiting calls while everything that ends one is still attached, so that each
// is reported once.
void Program::detach() {
	std::lock_guard<std::mutex> lock(mutex_);
	if (entry_links_.empty() && links_.empty()) return;
	const bool more = counters_->more; // for a look that the tracer's thread has not finished
	check_connections(0);
	counters_->more = more;
	__atomic_fetch_and(&counters_->phase, ~ATTEMPT_PHASE_HOOKED, __ATOMIC_SEQ_CST);
	while (!entry_links_.empty()) pop(entry_links_);
	__atomic_fetch_or(&counters_->phase, ATTEMPT_PHASE_LAST_CALLS, __ATOMIC_SEQ_CST);
	run("look_at_call");
	while (!links_.empty()) pop(links_);
}

void Program::release() {
	detach();
	for (auto &[name, link] : iterators_) bpf_link__destroy(link);
	iterators_.clear();
	if (counters_) munmap(counters_, sysconf(_SC_PAGESIZE));
	counters_ = nullptr;
	if (object_) bpf_object__close(object_);
	object_ = nullptr;
}

} // namespace synpipe
