// SPDX-License-Identifier: MIT
// The BPF object that captures DNS, separate from that of the attempts. The constructor loads and attaches it.
#pragma once

#include "dns_flow.h"
#include "format.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct bpf_link;
struct bpf_object;
struct ring_buffer;

namespace synpipe {

class Dns {
public:
	// Throws Failure with step "dns". `cgroup` is the folder where cgroup2 is mounted; only the network namespaces of
	// `scope` apply. `report` returns false if it takes no more events.
	Dns(const std::string &object, const std::string &cgroup, const attempt_config &scope,
		std::function<bool(const DnsEvent &)> report);
	~Dns();
	Dns(const Dns &) = delete;
	Dns &operator=(const Dns &) = delete;

	int packets_fd() const;

	// Reads the packets that have arrived and reports the look-ups that have ended. Returns whether a packet had arrived.
	bool consume();

	// Returns when the next look-up will be reported even if no packet comes (boot clock; UINT64_MAX: never).
	uint64_t due_ns() const;

	// Reports what is held back. No packet is read afterwards.
	void finish();

	uint64_t dropped() const; // packets with answers for which the ring buffer had no room
	uint64_t lost() const { return flow_.lost(); }

	// Detaches the programs: no new packets arrive once it has returned. May be called from any thread, repeatedly.
	void detach();

private:
	void load(const std::string &path, const attempt_config &scope);
	void attach(const std::string &cgroup);
	void release();
	uint64_t drops(dns_drop reason) const;
	static int on_packet(void *dns, void *data, size_t size);

	const std::function<bool(const DnsEvent &)> report_;
	DnsFlow flow_;
	bool stopped_ = false;
	int failed_ = 0; // errno of an exception in a callback: it cannot pass through libbpf, which is C
	uint64_t missed_ = 0, missed_answers_ = 0; // queries and other packets for which the ring buffer had no room
	bpf_object *object_ = nullptr;
	ring_buffer *ring_ = nullptr;
	uint64_t *drops_ = nullptr;
	std::mutex mutex_; // for links_
	std::vector<bpf_link *> links_;
};

// Appends the line with its newline.
void put_dns(std::string &to, Format &format, const DnsEvent &event, uint64_t seq);

} // namespace synpipe
