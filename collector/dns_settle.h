// SPDX-License-Identifier: MIT
// Decides which failed look-ups are reported, and how. A family without addresses is not a failure if the other family has
// some; failures caused by a resolver's search list are marked. To know that, failures are held back until related look-ups
// have ended. Look-ups are related if the same asker makes them at about the same time, and their names are the same name
// with different search suffixes. All tables are bounded. Makes no system call.
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

	// Records that a query of this look-up was sent. If it repeats a look-up whose failure is held back, it continues that
	// one: then sets first_ns and attempts, and returns true.
	bool asked(DnsLookup &lookup, uint64_t now_ns);

	// Records how a look-up has ended. `sibling` is the look-up of the other family's addresses, if it is still unanswered.
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
		// For a failure that is held back:
		bool held = false;
		DnsLookup lookup;
		uint64_t time_ns;
		int rcode;
		DnsError error;
	};
	// The look-ups of one asker whose names have the same first label, from the first failure on.
	struct Group {
		uint64_t key;
		uint64_t started_ns, last_ns, due_ns;
		std::list<Entry> entries;
	};

	Group *find(const DnsLookup &lookup);
	Group &add_group(const DnsLookup &lookup, uint64_t now_ns);
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

	// Each at the index that follows from its hash; a newer one replaces an older one.
	static constexpr size_t kRecent = 4096;
	struct Recent {
		uint64_t hash, time_ns;
	};
	std::vector<Recent> recent_ = std::vector<Recent>(kRecent); // look-ups that had addresses
};

} // namespace synpipe
