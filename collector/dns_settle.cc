// SPDX-License-Identifier: MIT
#include "dns_settle.h"

#include <algorithm>
#include <arpa/nameser.h>

namespace synpipe {
namespace {

constexpr uint64_t kQuietNs = 250'000'000; // a resolver that has more to ask does so within this time
constexpr uint64_t kMaxNs = kDnsTimeoutNs + kQuietNs;
constexpr size_t kMaxEntries = 8192, kMaxInGroup = 64;
const DnsAddresses kNoAddresses;

} // namespace

// The type is mixed in last: mixed in first, it could cancel out the difference between two askers.
uint64_t DnsSettle::recent_hash(const DnsLookup &lookup, std::string_view name, uint16_t type) const {
	return dns_hash(secret_, lookup.asker, name) ^ type;
}

bool DnsSettle::had_addresses(const DnsLookup &lookup, std::string_view name, uint16_t type, uint64_t now_ns) const {
	const uint64_t hash = recent_hash(lookup, name, type);
	const Recent &recent = recent_[hash % kRecent];
	return recent.hash == hash && now_ns < recent.time_ns + kDnsTimeoutNs;
}

DnsSettle::Group *DnsSettle::find(const DnsLookup &lookup) {
	if (groups_.empty()) return nullptr;
	auto found = groups_.find(dns_hash(secret_, lookup.asker, dns_first_label(lookup.question.name)));
	return found == groups_.end() ? nullptr : &found->second;
}

DnsSettle::Group &DnsSettle::add_group(const DnsLookup &lookup, uint64_t now_ns) {
	const uint64_t key = dns_hash(secret_, lookup.asker, dns_first_label(lookup.question.name));
	Group &group = groups_[key];
	if (!group.entries.empty()) return group;
	group.key = key;
	group.started_ns = now_ns;
	group.due_ns = 0;
	return group;
}

DnsSettle::Entry *DnsSettle::open_entry(Group *group, const DnsLookup &lookup) {
	if (!group) return nullptr;
	for (Entry &entry : group->entries)
		if (entry.state == Entry::open && entry.question == lookup.question) return &entry;
	return nullptr;
}

// Returns the failure of another server that this look-up asked at the same time, or NULL.
DnsSettle::Entry *DnsSettle::held_entry(Group *group, const DnsLookup &lookup) {
	if (!group) return nullptr;
	for (Entry &entry : group->entries)
		if (entry.held && entry.lookup.id == lookup.id && entry.question == lookup.question) return &entry;
	return nullptr;
}

DnsSettle::Entry &DnsSettle::add(Group &group, const DnsQuestion &question, Entry::State state) {
	entries_++;
	Entry &entry = group.entries.emplace_back();
	entry.question = question;
	entry.state = state;
	return entry;
}

bool DnsSettle::asked(DnsLookup &lookup, uint64_t now_ns) {
	Group *group = find(lookup);
	if (!group) return false;
	bool is_related = false;
	for (Entry &entry : group->entries) {
		if (!search_.related(entry.question.name, lookup.question.name, lookup.netns)) continue;
		is_related = true;
		if (!entry.held || !(entry.question == lookup.question)) continue;
		// The resolver tries another server after an error, or TCP. A query that the program itself repeats soon counts as
		// another look-up.
		const bool final = entry.error == DnsError::nodata || (entry.error == DnsError::rcode && entry.rcode == ns_r_nxdomain);
		const bool next = entry.lookup.id == lookup.id || entry.lookup.server != lookup.server ||
						  (entry.error == DnsError::truncated && lookup.tcp);
		if (final || !next || now_ns > entry.lookup.first_ns + kDnsTimeoutNs) continue;
		lookup.first_ns = entry.lookup.first_ns;
		// If it is the same look-up, its count already includes these.
		if (lookup.attempts <= entry.lookup.attempts) lookup.attempts += entry.lookup.attempts;
		entry.held = false;
		entry.state = Entry::open;
		touch(*group, now_ns);
		return true;
	}
	if (!is_related) return false;
	if (!open_entry(group, lookup)) add(*group, lookup.question, Entry::open);
	if (group->entries.size() > kMaxInGroup) settle(*group);
	else touch(*group, now_ns);
	return false;
}

void DnsSettle::succeeded(const DnsEvent &event) {
	const DnsLookup &lookup = event.lookup;
	const std::string &name = lookup.question.name;
	report_(event);
	for (uint16_t type : {lookup.question.type, uint16_t{0}}) {
		const uint64_t hash = recent_hash(lookup, name, type);
		recent_[hash % kRecent] = {hash, event.time_ns};
	}
	Group *group = find(lookup);
	if (!group) return;
	if (Entry *earlier = held_entry(group, lookup)) earlier->held = false;
	bool is_related = false;
	for (Entry &entry : group->entries) {
		if (!search_.related(entry.question.name, name, lookup.netns)) continue;
		is_related = true;
		if (!entry.held) continue;
		if (entry.question.name != name) release(entry, true);
		else if (entry.error == DnsError::nodata && entry.question.type != lookup.question.type) entry.held = false;
	}
	if (Entry *open = open_entry(group, lookup)) open->state = Entry::found;
	else if (is_related && group->entries.size() < kMaxInGroup) add(*group, lookup.question, Entry::found);
	if (is_related) touch(*group, event.time_ns);
}

// Whether a related name is already known to have addresses.
bool DnsSettle::is_resolved(Group *group, const DnsEvent &event) {
	const DnsLookup &lookup = event.lookup;
	const std::string &name = lookup.question.name;
	for (size_t at = dns_label_end(name, 0); at < name.size(); at = dns_label_end(name, at + 1))
		if (had_addresses(lookup, std::string_view(name).substr(0, at), 0, event.time_ns)) return true;
	if (!group) return false;
	for (const Entry &entry : group->entries)
		if (entry.state == Entry::found && entry.question.name != name && search_.related(entry.question.name, name, lookup.netns)) return true;
	return false;
}

void DnsSettle::failed(const DnsEvent &event, const DnsLookup *sibling) {
	const DnsLookup &lookup = event.lookup;
	if (entries_ >= kMaxEntries) settle(groups_.at(due_.begin()->second));
	Group *group = find(lookup);
	Entry *entry = open_entry(group, lookup);
	if (!entry) entry = held_entry(group, lookup);
	const uint16_t other = lookup.question.type == ns_t_a ? ns_t_aaaa : ns_t_a;
	const bool other_family =
		event.error == DnsError::nodata && had_addresses(lookup, lookup.question.name, other, event.time_ns);
	if (other_family || is_resolved(group, event)) {
		if (entry) entry->state = Entry::failed, entry->held = false, touch(*group, event.time_ns);
		if (!other_family) report_({lookup, event.time_ns, event.rcode, event.error, true, event.addresses});
		return;
	}
	if (group && !entry && group->entries.size() >= kMaxInGroup) settle(*group), group = nullptr;
	if (!group) group = &add_group(lookup, event.time_ns);
	if (!entry) entry = &add(*group, lookup.question, Entry::failed);
	entry->state = Entry::failed;
	entry->held = true;
	entry->lookup = lookup;
	entry->time_ns = event.time_ns;
	entry->rcode = event.rcode;
	entry->error = event.error;
	if (sibling && !open_entry(group, *sibling)) add(*group, sibling->question, Entry::open);
	touch(*group, event.time_ns);
}

// Reports a time-out at once: after 5 s it is never an expected failure.
void DnsSettle::timed_out(const DnsEvent &event) {
	report_(event);
	Group *group = find(event.lookup);
	Entry *entry = open_entry(group, event.lookup);
	if (!entry) return;
	entry->state = Entry::failed;
	touch(*group, event.time_ns);
}

void DnsSettle::touch(Group &group, uint64_t now_ns) {
	const bool waits = std::any_of(group.entries.begin(), group.entries.end(),
								   [](const Entry &entry) { return entry.state == Entry::open; });
	if (group.due_ns) due_.erase({group.due_ns, group.key});
	group.due_ns = std::min(now_ns + (waits ? kMaxNs : kQuietNs), group.started_ns + kMaxNs);
	due_.insert({group.due_ns, group.key});
}

void DnsSettle::release(Entry &entry, bool search) {
	entry.held = false;
	report_({entry.lookup, entry.time_ns, entry.rcode, entry.error, search, kNoAddresses});
}

// Reports the failures that are held back. None of these names was found with another suffix: the name as it was asked for has
// failed, and so have the names made from it, which are marked.
void DnsSettle::settle(Group &group) {
	for (Entry &entry : group.entries) {
		if (!entry.held) continue;
		const bool made = std::any_of(group.entries.begin(), group.entries.end(), [&](const Entry &other) {
			return other.state == Entry::failed && dns_begins_with(entry.question.name, other.question.name);
		});
		release(entry, made);
	}
	entries_ -= group.entries.size();
	due_.erase({group.due_ns, group.key});
	groups_.erase(uint64_t{group.key});
}

void DnsSettle::advance(uint64_t now_ns) {
	while (!due_.empty() && due_.begin()->first <= now_ns) settle(groups_.at(due_.begin()->second));
}

void DnsSettle::finish() { advance(UINT64_MAX); }

} // namespace synpipe
