// SPDX-License-Identifier: MIT
#include "program.h"

#include "kernel_types.h"
#include "libbpf_log.h"
#include "tracefs.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

const char *function_of(const bpf_program *program) { return strchr(bpf_program__section_name(program), '/') + 1; }

} // namespace

bpf_object *open_object(const std::string &path, const KernelTypes &types) {
	bpf_object_open_opts options = {};
	options.sz = sizeof options;
	if (!types.path().empty()) options.btf_custom_path = types.path().c_str();
	return bpf_object__open_file(path.c_str(), &options);
}

Failure::Failure(const std::string &what, int error, const char *step, std::string log)
	: runtime_error(what + ": " + (strerrorname_np(error) ?: std::to_string(error).c_str())),
	  error(error), step(step), log(std::move(log)) {}

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
	const KernelTypes types(path);
	for (bool loaded = false; !loaded;) {
		Log log;
		try {
			open(path, types, config, cgroups, ring_bytes);
			loaded = load(log);
			if (!loaded) continue; // again, without what was refused
			map_counters();
			set_cgroups(cgroups);
			attach();
			check();
			__atomic_fetch_or(&counters_->phase, ATTEMPT_PHASE_HOOKED, __ATOMIC_SEQ_CST);
			adopt();
		} catch (Failure &failure) {
			failure.log = log.tail();
			release();
			throw;
		} catch (...) {
			release();
			throw;
		}
	}
}

void Program::open(const std::string &path, const KernelTypes &types, const attempt_config &config,
				   const std::vector<std::string> &cgroups, uint32_t ring_bytes) {
	object_ = open_object(path, types);
	if (!object_) throw Failure("cannot open BPF object " + path, errno, "open");
	select_programs();
	configure(config, cgroups, ring_bytes);
}

// Selects the programs to load. By itself, libbpf does not load a program whose section name starts with a question mark.
void Program::select_programs() {
	bpf_program *p;
	bpf_object__for_each_program(p, object_) {
		if (!bpf_program__autoload(p)) optional_.insert(bpf_program__name(p));
		bool without = std::count(unhooked_.begin(), unhooked_.end(), function_of(p));
		bpf_program__set_autoload(p, !without);
	}
}

// Returns false, and releases the object, if the kernel refused a program that can be left out.
bool Program::load(const Log &log) {
	int error = bpf_object__load(object_);
	if (!error) return true;
	const bpf_program *refused = bpf_object__find_program_by_name(object_, log.program().c_str());
	if (!refused || !leave_out(refused)) throw Failure("cannot load BPF " + log.refused(), -error, "load");
	release();
	return false;
}

// Leaves out both programs of a function, since an entry is of no use without its return, or the other way round. Returns
// false if the program is not optional.
bool Program::leave_out(const bpf_program *program) {
	if (!optional_.count(bpf_program__name(program))) return false;
	unhooked_.push_back(function_of(program));
	return true;
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
	if (!map || !events) throw Failure("BPF object lacks a map", ENOENT, "configure");
	outcomes_ = config.report & ATTEMPT_OUTCOME;
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
		if (std::count(unhooked_.begin(), unhooked_.end(), function_of(p))) continue;
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
	if (bpf_program__section_name(program) == std::string("iter/bpf_map_elem")) {
		bpf_iter_link_info info = {};
		info.map.map_fd = bpf_object__find_map_fd_by_name(object_, "attempts");
		bpf_iter_attach_opts options = {};
		options.sz = sizeof options;
		options.link_info = &info;
		options.link_info_len = sizeof info;
		return bpf_program__attach_iter(program, &options);
	}
	if (bpf_program__type(program) != BPF_PROG_TYPE_TRACEPOINT) return bpf_program__attach(program);
	int fd = open_tracepoint(function_of(program));
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

uint64_t Program::look(const Take &take) {
	counters_->due_ns = UINT64_MAX;
	if (open()) run("look_at_open", take);
	if (calls()) run("look_at_call");
	return counters_->due_ns;
}

uint64_t Program::look_last(const Take &take) {
	__atomic_fetch_or(&counters_->phase, ATTEMPT_PHASE_LAST_OPEN, __ATOMIC_SEQ_CST);
	return run("look_at_open", take) ? counters_->still_open : open();
}

// Runs an iterator to its end. EAGAIN means that the kernel paused it.
bool Program::run(const char *iterator, const Take &take) const {
	auto link = iterators_.find(iterator);
	int fd = link == iterators_.end() ? -1 : bpf_iter_create(bpf_link__fd(link->second));
	if (fd < 0) return false;
	const size_t room = 8 * sysconf(_SC_PAGESIZE); // the size of the kernel's own buffer, so that no record is split
	std::unique_ptr<char[]> chunk(new (std::nothrow) char[room]); // a destructor calls this, and must not throw
	while (chunk) {
		ssize_t size = read(fd, chunk.get(), room);
		if (size > 0 && take) take(chunk.get(), size);
		if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) break;
	}
	close(fd);
	return chunk != nullptr;
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

// Detaches the entries first. Then reports the waiting calls while everything that ends one is still attached, so that each
// is reported once.
void Program::detach() {
	std::lock_guard<std::mutex> lock(mutex_);
	if (entry_links_.empty() && links_.empty()) return;
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
