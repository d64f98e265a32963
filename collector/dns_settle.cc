// SPDX-License-Identifier: MIT
#include "dns_settle.h"

#include <algorithm>
#include <arpa/nameser.h>

namespace synpipe {
namespace {

constexpr uint64_t kQuietNs = 250'000'000; // a resolver that has more to ask does so by then
constexpr uint64_t kMostNs = kDnsTimeoutNs + kQuietNs;
constexpr size_t kMostEntries = 8192, kMostInGroup = 64;
constexpr int kMostSplits = 8; // labels that names with different suffixes may have in common
const DnsAddresses kNoAddresses;

// Where the label at `at` ends. A dot in a label is escaped.
size_t label_end(std::string_view name, size_t at) {
	for (; at < name.size(); at++) {
		if (name[at] == '\\') at++;
		else if (name[at] == '.') break;
	}
	return std::min(at, name.size());
}

std::string_view first_label(std::string_view name) { return name.substr(0, label_end(name, 0)); }

// `name` is `start`, a dot, and more.
bool begins_with(std::string_view name, std::string_view start) {
	return name.size() > start.size() + 1 && name[start.size()] == '.' && name.compare(0, start.size(), start) == 0;
}

bool ends_with(std::string_view name, std::string_view end) {
	return name.size() > end.size() + 1 && name[name.size() - end.size() - 1] == '.' &&
		   name.compare(name.size() - end.size(), end.size(), end) == 0;
}

bool has_dot(std::string_view name) { return label_end(name, 0) < name.size(); }

} // namespace

// The search suffix that makes one of another, or both of the same name.
bool DnsSettle::related(std::string_view a, std::string_view b, uint32_t netns) {
	if (a == b) return true;
	const std::string_view longer = a.size() > b.size() ? a : b, shorter = a.size() > b.size() ? b : a;
	if (begins_with(longer, shorter)) {
		learn(longer.substr(shorter.size() + 1), netns);
		return true;
	}
	size_t at = 0;
	for (int split = 0; split < kMostSplits; split++) {
		const size_t end = label_end(a, at);
		if (end != label_end(b, at) || a.compare(at, end - at, b, at, end - at) || end == a.size() || end == b.size())
			return false;
		at = end + 1;
		const std::string_view first = a.substr(at), second = b.substr(at);
		// ns.svc.cluster.local and svc.cluster.local
		if ((ends_with(first, second) && has_dot(second)) || (ends_with(second, first) && has_dot(first))) return true;
		if (is_search(first, netns) && is_search(second, netns)) return true;
	}
	return false;
}

bool DnsSettle::is_search(std::string_view suffix, uint32_t netns) const {
	const uint64_t hash = dns_hash(secret_, netns, suffix);
	return suffixes_[hash % kSuffixes] == hash;
}

void DnsSettle::learn(std::string_view suffix, uint32_t netns) {
	const uint64_t hash = dns_hash(secret_, netns, suffix);
	suffixes_[hash % kSuffixes] = hash;
}

bool DnsSettle::had_addresses(const DnsLookup &lookup, std::string_view name, uint16_t type, uint64_t now_ns) const {
	const uint64_t hash = dns_hash(secret_ + type, lookup.asker, name);
	const Recent &recent = recent_[hash % kRecent];
	return recent.hash == hash && now_ns < recent.time_ns + kDnsTimeoutNs;
}

DnsSettle::Group *DnsSettle::find(const DnsLookup &lookup) {
	if (groups_.empty()) return nullptr;
	auto found = groups_.find(dns_hash(secret_, lookup.asker, first_label(lookup.question.name)));
	return found == groups_.end() ? nullptr : &found->second;
}

DnsSettle::Group &DnsSettle::begin(const DnsLookup &lookup, uint64_t now_ns) {
	const uint64_t key = dns_hash(secret_, lookup.asker, first_label(lookup.question.name));
	Group &group = groups_[key];
	if (!group.entries.empty()) return group;
	group.key = key;
	group.begun_ns = now_ns;
	group.due_ns = 0;
	return group;
}

DnsSettle::Entry *DnsSettle::open_entry(Group *group, const DnsLookup &lookup) {
	if (!group) return nullptr;
	for (Entry &entry : group->entries)
		if (entry.state == Entry::open && entry.question == lookup.question) return &entry;
	return nullptr;
}

// An earlier failure of this look-up: another server was asked at the same time.
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
		if (!related(entry.question.name, lookup.question.name, lookup.netns)) continue;
		is_related = true;
		if (!entry.held || !(entry.question == lookup.question)) continue;
		// Another server, after an error; or by TCP. A program that asks the same anew is another look-up, soon enough.
		const bool final = entry.error == DnsError::nodata || (entry.error == DnsError::rcode && entry.rcode == ns_r_nxdomain);
		const bool next = entry.lookup.id == lookup.id || entry.lookup.server != lookup.server ||
						  (entry.error == DnsError::truncated && lookup.tcp);
		if (final || !next || now_ns > entry.lookup.first_ns + kDnsTimeoutNs) continue;
		lookup.first_ns = entry.lookup.first_ns;
		// The same look-up's own count goes on.
		if (lookup.attempts <= entry.lookup.attempts) lookup.attempts += entry.lookup.attempts;
		entry.held = false;
		entry.state = Entry::open;
		touch(*group, now_ns);
		return true;
	}
	if (!is_related) return false;
	if (!open_entry(group, lookup)) add(*group, lookup.question, Entry::open);
	if (group->entries.size() > kMostInGroup) settle(*group);
	else touch(*group, now_ns);
	return false;
}

void DnsSettle::succeeded(const DnsEvent &event) {
	const DnsLookup &lookup = event.lookup;
	const std::string &name = lookup.question.name;
	report_(event);
	for (uint16_t type : {lookup.question.type, uint16_t{0}}) {
		const uint64_t hash = dns_hash(secret_ + type, lookup.asker, name);
		recent_[hash % kRecent] = {hash, event.time_ns};
	}
	Group *group = find(lookup);
	if (!group) return;
	if (Entry *earlier = held_entry(group, lookup)) earlier->held = false;
	bool is_related = false;
	for (Entry &entry : group->entries) {
		if (!related(entry.question.name, name, lookup.netns)) continue;
		is_related = true;
		if (!entry.held) continue;
		if (entry.question.name != name) release(entry, true);
		else if (entry.error == DnsError::nodata && entry.question.type != lookup.question.type) entry.held = false;
	}
	if (Entry *open = open_entry(group, lookup)) open->state = Entry::found;
	else if (is_related && group->entries.size() < kMostInGroup) add(*group, lookup.question, Entry::found);
	if (is_related) touch(*group, event.time_ns);
}

// By what is known already.
bool DnsSettle::is_resolved(Group *group, const DnsEvent &event) {
	const DnsLookup &lookup = event.lookup;
	const std::string &name = lookup.question.name;
	for (size_t at = label_end(name, 0); at < name.size(); at = label_end(name, at + 1))
		if (had_addresses(lookup, std::string_view(name).substr(0, at), 0, event.time_ns)) return true;
	if (!group) return false;
	for (const Entry &entry : group->entries)
		if (entry.state == Entry::found && entry.question.name != name && related(entry.question.name, name, lookup.netns)) return true;
	return false;
}

void DnsSettle::failed(const DnsEvent &event, const DnsLookup *sibling) {
	const DnsLookup &lookup = event.lookup;
	if (entries_ >= kMostEntries) settle(groups_.at(due_.begin()->second));
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
	if (group && !entry && group->entries.size() >= kMostInGroup) settle(*group), group = nullptr;
	if (!group) group = &begin(lookup, event.time_ns);
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

// As it took 5 s, it is never normal.
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
	group.due_ns = std::min(now_ns + (waits ? kMostNs : kQuietNs), group.begun_ns + kMostNs);
	due_.insert({group.due_ns, group.key});
}

void DnsSettle::release(Entry &entry, bool search) {
	entry.held = false;
	report_({entry.lookup, entry.time_ns, entry.rcode, entry.error, search, kNoAddresses});
}

// None of what is held has been found under another name: what was asked for as it is has failed, and all that is made of it.
void DnsSettle::settle(Group &group) {
	for (Entry &entry : group.entries) {
		if (!entry.held) continue;
		const bool made = std::any_of(group.entries.begin(), group.entries.end(), [&](const Entry &other) {
			return other.state == Entry::failed && begins_with(entry.question.name, other.question.name);
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
