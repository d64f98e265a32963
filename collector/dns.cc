// SPDX-License-Identifier: MIT
#include "dns.h"

#include "kernel_types.h"
#include "load_object.h"
#include "program.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <utility>

namespace synpipe {
namespace {

constexpr const char *kStep = "dns";
constexpr uint64_t kSlackNs = 50'000'000; // a packet reaches the ring buffer at most this long after its time

uint64_t boot_ns() {
	timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

uint64_t secret() {
	uint64_t number = 0;
	if (getrandom(&number, sizeof number, 0) != sizeof number) throw Failure("cannot get a random number", errno, kStep);
	return number;
}

} // namespace

Dns::Dns(const std::string &object, const std::string &cgroup, const attempt_config &scope,
		 std::function<bool(const DnsEvent &)> report)
	: report_(std::move(report)), flow_([this](const DnsEvent &event) { stopped_ = stopped_ || !report_(event); }, secret()) {
	try {
		load(object, scope);
		attach(cgroup);
	} catch (...) {
		release();
		throw;
	}
}

Dns::~Dns() { release(); }

void Dns::load(const std::string &path, const attempt_config &scope) {
	dns_config config = {};
	config.netns_count = std::min<uint32_t>(scope.netns_count, DNS_NETNS_MAX);
	std::copy(scope.netns, scope.netns + config.netns_count, config.netns);
	const KernelTypes types(path);
	object_ = open_object(path, types);
	if (!object_) throw Failure("cannot open BPF object " + path, errno, kStep);
	bpf_map *map = bpf_object__find_map_by_name(object_, ".rodata.config");
	if (!map || bpf_map__set_initial_value(map, &config, sizeof config))
		throw Failure("cannot set the filters of BPF object " + path, EINVAL, kStep);
	load_object(object_, kStep);
	int drops = bpf_object__find_map_fd_by_name(object_, "dns_drops");
	void *at = mmap(nullptr, sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, drops, 0);
	if (at == MAP_FAILED) throw Failure("cannot map the drop counters of DNS", errno, kStep);
	drops_ = static_cast<uint64_t *>(at);
	ring_ = ring_buffer__new(packets_fd(), on_packet, this, nullptr);
	if (!ring_) throw Failure("cannot map the ring buffer of DNS", errno, kStep);
}

void Dns::attach(const std::string &path) {
	int cgroup = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0) throw Failure("cannot open cgroup " + path, errno, kStep);
	int error = 0;
	bpf_program *program;
	bpf_object__for_each_program(program, object_) {
		bpf_link *link = error ? nullptr : bpf_program__attach_cgroup(program, cgroup);
		if (link) links_.push_back(link);
		else if (!error) error = errno;
	}
	close(cgroup);
	if (error) throw Failure("cannot attach the BPF programs for DNS to cgroup " + path, error, kStep);
}

int Dns::packets_fd() const { return bpf_object__find_map_fd_by_name(object_, "dns_packets"); }

uint64_t Dns::drops(dns_drop reason) const { return __atomic_load_n(&drops_[reason], __ATOMIC_RELAXED); }

uint64_t Dns::dropped() const { return drops(DNS_DROP_OTHER); }

bool Dns::consume() {
	if (stopped_) return false;
	const uint64_t now_ns = boot_ns(), missed = drops(DNS_DROP_QUERY), answers = drops(DNS_DROP_OTHER);
	flow_.miss(missed - missed_);
	missed_ = missed;
	if (answers != missed_answers_) flow_.miss_answers(answers - missed_answers_, now_ns);
	missed_answers_ = answers;
	const bool any = ring_buffer__consume(ring_) != 0;
	if (int error = std::exchange(failed_, 0)) throw Failure("cannot read the ring buffer", error, kStep);
	if (!stopped_) flow_.advance(now_ns - kSlackNs);
	return any;
}

uint64_t Dns::due_ns() const {
	const uint64_t due = stopped_ ? UINT64_MAX : flow_.due_ns();
	return due == UINT64_MAX ? due : due + kSlackNs;
}

void Dns::finish() {
	stopped_ = false;
	flow_.finish();
	stopped_ = true;
}

int Dns::on_packet(void *dns, void *data, size_t) {
	auto self = static_cast<Dns *>(dns);
	try {
		self->flow_.packet(*static_cast<const dns_packet *>(data));
	} catch (...) { // it must not pass through libbpf, which is C
		self->failed_ = caught_errno();
		return -ECANCELED;
	}
	return self->stopped_ ? -ECANCELED : 0;
}

void Dns::detach() {
	std::lock_guard<std::mutex> lock(mutex_);
	for (; !links_.empty(); links_.pop_back()) bpf_link__destroy(links_.back());
}

void Dns::release() {
	detach();
	ring_buffer__free(ring_);
	if (drops_) munmap(drops_, sysconf(_SC_PAGESIZE));
	if (object_) bpf_object__close(object_);
}

} // namespace synpipe
