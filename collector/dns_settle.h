// SPDX-License-Identifier: MIT
// Which look-ups that failed are reported, and how: no data for one family is none if the other one has addresses; what
// a resolver's search list makes fail is marked. To know that, failures are held until related look-ups have ended.
// Look-ups are related if the same asker makes them at about the same time, and their names are the same one with
// different search suffixes. Bounded in all that it remembers. No system call.
#pragma once

#include "dns_search.h"

#include <functional>
#include <list>
#include <set>
#include <unordered_map>

namespace synpipe {

class DnsSettle {
public:
	using Report = std::function<void(const DnsEvent &)>;

	DnsSettle(Report report, uint64_t secret) : report_(std::move(report)), secret_(secret), search_(secret) {}

	// A query of this look-up was sent. If that repeats one whose failure is held, the look-up continues that one:
	// returns true, and sets first_ns and attempts.
	bool asked(DnsLookup &lookup, uint64_t now_ns);

	// How a look-up has ended. `sibling`: that of the other family's addresses, if it has no answer yet.
	void succeeded(const DnsEvent &event);
	void failed(const DnsEvent &event, const DnsLookup *sibling);
	void timed_out(const DnsEvent &event);

	void advance(uint64_t now_ns);
	uint64_t due_ns() const { return due_.empty() ? UINT64_MAX : due_.begin()->first; }
	void finish();

private:
	struct Entry {
		DnsQuestion question;
		enum State { open, found, failed } state;
		// A failure that is held:
		bool held = false;
		DnsLookup lookup;
		uint64_t time_ns;
		int rcode;
		DnsError error;
	};
	// The look-ups of one asker whose names have the same first label, from the first failure on.
	struct Group {
		uint64_t key;
		uint64_t begun_ns, last_ns, due_ns;
		std::list<Entry> entries;
	};

	Group *find(const DnsLookup &lookup);
	Group &begin(const DnsLookup &lookup, uint64_t now_ns);
	Entry &add(Group &group, const DnsQuestion &question, Entry::State state);
	static Entry *open_entry(Group *group, const DnsLookup &lookup);
	static Entry *held_entry(Group *group, const DnsLookup &lookup);
	uint64_t recent_hash(const DnsLookup &lookup, std::string_view name, uint16_t type) const;
	bool had_addresses(const DnsLookup &lookup, std::string_view name, uint16_t type, uint64_t now_ns) const;
	bool is_resolved(Group *group, const DnsEvent &event);
	void touch(Group &group, uint64_t now_ns);
	void release(Entry &entry, bool search);
	void settle(Group &group);

	const Report report_;
	const uint64_t secret_;
	DnsSearch search_;
	std::unordered_map<uint64_t, Group> groups_; // by the hash of asker and first label
	std::set<std::pair<uint64_t, uint64_t>> due_; // when, and which group
	size_t entries_ = 0;

	// By a hash; a newer one takes an older one's place.
	static constexpr size_t kRecent = 4096;
	struct Recent {
		uint64_t hash, time_ns;
	};
	std::vector<Recent> recent_ = std::vector<Recent>(kRecent); // look-ups that had addresses
};

} // namespace synpipe
