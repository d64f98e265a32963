// SPDX-License-Identifier: MIT
// From packets to look-ups: which queries are one, which answer is theirs, and the messages of TCP connections. Bounded in
// all that it remembers. No system call: time is that of the packets, and what advance() is given.
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
	// `report` gets each event once. The secret is for tables; any number will do that nobody knows.
	DnsFlow(DnsSettle::Report report, uint64_t secret) : settle_(std::move(report), secret), secret_(secret) {}

	// `packet.size` bytes follow it, after the process.
	void packet(const dns_packet &packet);

	// So many queries have never come here: as many answers to queries that are not known count as lost.
	void miss(uint64_t queries) { missing_ += queries; }

	// So many answers, or pieces of TCP connections, have never come here until now: as many look-ups that seem to be
	// without an answer are not reported.
	void miss_answers(uint64_t answers, uint64_t now_ns) { missing_answers_ += answers, missed_ns_ = now_ns; }

	// All packets before `now_ns` have come: reports what has waited long enough.
	void advance(uint64_t now_ns);

	// When advance() will have something to do; UINT64_MAX: never.
	uint64_t due_ns() const;

	// Reports what is held back.
	void finish() { settle_.finish(); }

	// Answers that could not be read, or could not be reported for the lack of their query; and look-ups that were
	// forgotten before they ended.
	uint64_t lost() const { return lost_; }

private:
	// Only an answer from where the socket asked, with the id that it chose, is one that its program takes.
	struct Key {
		uint64_t socket;
		DnsPeer server; // zero for a connected socket, and for TCP: the kernel sees to that
		uint16_t id;
		bool operator==(const Key &) const;
	};
	struct Hash {
		size_t operator()(const Key &) const;
	};
	struct Lookup : DnsLookup {
		std::vector<Key> keys; // of queries without an answer
		uint64_t begun_ns;     // TIMEOUT counts from here: a query that continues a failed look-up has its own 5 s
		uint64_t hash;
		Lookup *before, *next; // those of the same asker and name
		std::list<Lookup>::iterator self;
		bool reported; // as TIMEOUT, or as a failure: it is in late_
	};
	// A look-up that has its answer. A resolver that asks several servers at once may send the last queries after that.
	struct Answered {
		uint64_t hash, time_ns;
		DnsPeer server;
	};
	struct Connection {
		DnsStream out, in;
		uint64_t used_ns;
		process who;
		DnsPeer server;
		std::vector<uint16_t> open; // ids of queries without an answer
	};

	void query(const dns_packet &from, const process *who, const DnsPeer &server, const uint8_t *message, size_t size);
	void answer(const dns_packet &from, const uint8_t *message, size_t size);
	void fail(Lookup &lookup, const Key &key, const DnsEvent &how);
	Lookup *find(uint64_t asker, uint64_t hash, const DnsQuestion &question, uint16_t id, uint64_t now_ns);
	const Lookup *sibling(const Lookup &lookup) const;
	Lookup &begin(uint64_t asker, uint64_t hash, DnsQuestion question, const dns_packet &from, const process *who);
	void remember(const Key &key, Lookup &lookup);
	void note_answered(const Lookup &lookup, uint64_t now_ns);
	bool is_answered(uint64_t hash, uint16_t type, uint16_t id, const DnsPeer &server, uint64_t now_ns) const;
	void end(Lookup &lookup);
	void make_room();
	void segment(const dns_packet &packet, const process *who, const uint8_t *bytes);
	void begin(const dns_packet &packet, const process *who);
	void give_up(uint64_t socket);
	Key key_of(const dns_packet &from, uint16_t id) const;

	DnsSettle settle_;
	const uint64_t secret_;
	std::list<Lookup> waiting_, late_; // by when they began; the late ones are reported, and may still be answered
	std::unordered_map<uint64_t, Lookup *> same_; // by the hash of asker and name: the newest
	std::unordered_map<Key, Lookup *, Hash> queries_;
	std::unordered_map<uint64_t, Connection> connections_; // by socket
	static constexpr size_t kAnswered = 1024;
	std::vector<Answered> answered_ = std::vector<Answered>(kAnswered); // by a hash; a newer one takes an older one's place
	uint64_t missing_ = 0, missing_answers_ = 0, missed_ns_ = 0, lost_ = 0;
};

} // namespace synpipe
