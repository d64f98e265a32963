// SPDX-License-Identifier: MIT
// Turns packets into look-ups: finds the queries that belong together and their answer, and the messages in TCP connections.
// All tables are bounded. Makes no system call: the time comes from the packets and from advance().
#pragma once

#include "dns_lookup.h"
#include "dns_settle.h"
#include "dns_stream.h"

#include "dns_packet.h"

#include <functional>
#include <list>
#include <unordered_map>

namespace synpipe {

class DnsFlow {
public:
	// `report` gets each event once. `secret`, for the hash tables, is any number that nobody else knows.
	DnsFlow(DnsSettle::Report report, uint64_t secret) : settle_(std::move(report), secret), secret_(secret) {}

	// Takes a packet, whose `packet.size` bytes follow it, after the process.
	void packet(const dns_packet &packet);

	// Records that `queries` queries never arrived here: that many answers to unknown queries will count as lost.
	void miss(uint64_t queries) { missing_ += queries; }

	// Records that, by now, `answers` answers or pieces of TCP connections never arrived here: that many look-ups that seem
	// unanswered will not be reported.
	void miss_answers(uint64_t answers, uint64_t now_ns) { missing_answers_ += answers, missed_ns_ = now_ns; }

	// Reports what has waited long enough, given that all packets before `now_ns` have arrived.
	void advance(uint64_t now_ns);

	// Returns when advance() will have something to do; UINT64_MAX: never.
	uint64_t due_ns() const;

	// Reports what is held back.
	void finish() { settle_.finish(); }

	// Returns the number of answers that could not be read, or not be reported because their query is missing, plus the
	// look-ups that were forgotten before they ended.
	uint64_t lost() const { return lost_; }

private:
	// A program accepts an answer only if it comes from where its socket asked, with the id that it chose.
	struct Key {
		uint64_t socket;
		DnsPeer server; // zero for a connected socket, and for TCP: there the kernel checks the sender
		uint16_t id;
		bool operator==(const Key &) const;
	};
	struct Hash {
		size_t operator()(const Key &) const;
	};
	struct Lookup : DnsLookup {
		std::vector<Key> keys; // of its unanswered queries
		uint64_t started_ns;   // TIMEOUT counts from here: a query that continues a failed look-up gets 5 s again
		uint64_t hash;
		Lookup *before, *next; // look-ups of the same name by the same asker
		std::list<Lookup>::iterator self;
		bool reported; // as TIMEOUT, or as a failure: it is in late_
	};
	// An answered look-up. A resolver that asks several servers at once may send its last queries after the answer.
	struct Answered {
		uint64_t hash, time_ns;
		DnsPeer server;
	};
	struct Connection {
		DnsStream out, in;
		uint64_t used_ns;
		process who;
		DnsPeer server;
		std::vector<uint16_t> open; // ids of unanswered queries
	};

	void query(const dns_packet &from, const process *who, const DnsPeer &server, const uint8_t *message, size_t size);
	void answer(const dns_packet &from, const uint8_t *message, size_t size);
	void fail(Lookup &lookup, const Key &key, const DnsEvent &how);
	Lookup *find(uint64_t asker, uint64_t hash, const DnsQuestion &question, uint16_t id, uint64_t now_ns);
	const Lookup *sibling(const Lookup &lookup) const;
	Lookup &add_lookup(uint64_t asker, uint64_t hash, DnsQuestion question, const dns_packet &from, const process *who);
	void remember(const Key &key, Lookup &lookup);
	void note_answered(const Lookup &lookup, uint64_t now_ns);
	bool is_answered(uint64_t hash, uint16_t type, uint16_t id, const DnsPeer &server, uint64_t now_ns) const;
	void forget(Lookup &lookup);
	void make_room();
	void segment(const dns_packet &packet, const process *who, const uint8_t *bytes);
	void add_connection(const dns_packet &packet, const process *who);
	void give_up(uint64_t socket);
	Key key_of(const dns_packet &from, uint16_t id) const;

	DnsSettle settle_;
	const uint64_t secret_;
	std::list<Lookup> waiting_, late_; // in order of their start; those in late_ are reported, but may still be answered
	std::unordered_map<uint64_t, Lookup *> same_; // by the hash of asker and name: the newest look-up
	std::unordered_map<Key, Lookup *, Hash> queries_;
	std::unordered_map<uint64_t, Connection> connections_; // by socket
	static constexpr size_t kAnswered = 1024;
	std::vector<Answered> answered_ = std::vector<Answered>(kAnswered); // by hash; a newer one replaces an older one
	uint64_t missing_ = 0, missing_answers_ = 0, missed_ns_ = 0, lost_ = 0;
};

} // namespace synpipe
