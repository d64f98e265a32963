// SPDX-License-Identifier: MIT
// From packets to answers: which one belongs to which query, and the messages of TCP connections. Bounded in all that it
// remembers. No system call.
#pragma once

#include "dns_message.h"
#include "dns_stream.h"

#include "dns_packet.h"

#include <array>
#include <deque>
#include <functional>
#include <unordered_map>

namespace synpipe {

using DnsPeer = std::array<uint8_t, 16>; // an IPv4 address is IPv4-mapped

struct DnsAnswer {
	uint64_t time_ns; // boot clock
	uint64_t latency_ns;
	uint32_t netns;
	bool tcp;
	DnsPeer server;
	const std::string &name;
	const DnsAddresses &addresses;
};

class DnsFlow {
public:
	explicit DnsFlow(std::function<void(const DnsAnswer &)> tell) : tell_(std::move(tell)) {}

	// `packet.size` bytes follow it.
	void packet(const dns_packet &packet);

	// So many queries have never come here: as many answers to queries that are not known count as lost.
	void miss(uint64_t queries) { missing_ += queries; }

	// Answers that could not be read, or could not be told for the lack of their query.
	uint64_t lost() const { return lost_; }

private:
	// Only an answer from where the socket asked, with the id that it chose, is one that its program takes.
	struct Key {
		uint64_t socket;
		DnsPeer server; // zero for a connected socket: the kernel sees to that
		uint16_t id;
		bool operator==(const Key &) const;
	};
	struct Hash {
		size_t operator()(const Key &) const;
	};
	struct Query {
		DnsQuestion question;
		uint64_t time_ns;
		uint64_t number;
	};
	struct Connection {
		DnsStream out, in;
		uint64_t used_ns;
		int open = 0; // queries without an answer
	};

	void query(const dns_packet &from, const uint8_t *message, size_t size);
	void answer(const dns_packet &from, const uint8_t *message, size_t size);
	void remember(const Key &key, const DnsQuestion &question, uint64_t time_ns);
	void forget_old(uint64_t now_ns);
	void segment(const dns_packet &packet);
	void begin(const dns_packet &packet);
	void give_up(uint64_t socket);

	std::function<void(const DnsAnswer &)> tell_;
	std::unordered_map<Key, Query, Hash> queries_;
	std::deque<std::pair<Key, uint64_t>> order_; // oldest first, with their numbers
	std::unordered_map<uint64_t, Connection> connections_; // by socket
	uint64_t number_ = 0, missing_ = 0, lost_ = 0;
};

} // namespace synpipe
