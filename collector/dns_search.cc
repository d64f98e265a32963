// SPDX-License-Identifier: MIT
#include "dns_search.h"

#include <algorithm>

namespace synpipe {
namespace {

constexpr int kMaxSplits = 8; // labels that names with different suffixes may have in common

bool ends_with(std::string_view name, std::string_view end) {
	return name.size() > end.size() + 1 && name[name.size() - end.size() - 1] == '.' &&
		   name.compare(name.size() - end.size(), end.size(), end) == 0;
}

bool has_dot(std::string_view name) { return dns_label_end(name, 0) < name.size(); }

} // namespace

size_t dns_label_end(std::string_view name, size_t at) {
	for (; at < name.size(); at++) {
		if (name[at] == '\\') at++;
		else if (name[at] == '.') break;
	}
	return std::min(at, name.size());
}

std::string_view dns_first_label(std::string_view name) { return name.substr(0, dns_label_end(name, 0)); }

bool dns_begins_with(std::string_view name, std::string_view start) {
	return name.size() > start.size() + 1 && name[start.size()] == '.' && name.compare(0, start.size(), start) == 0;
}

bool DnsSearch::related(std::string_view a, std::string_view b, uint32_t netns) {
	if (a == b) return true;
	const std::string_view longer = a.size() > b.size() ? a : b, shorter = a.size() > b.size() ? b : a;
	if (dns_begins_with(longer, shorter)) {
		learn(longer.substr(shorter.size() + 1), netns);
		return true;
	}
	size_t at = 0;
	for (int split = 0; split < kMaxSplits; split++) {
		const size_t end = dns_label_end(a, at);
		if (end != dns_label_end(b, at) || a.compare(at, end - at, b, at, end - at) || end == a.size() || end == b.size())
			return false;
		at = end + 1;
		const std::string_view first = a.substr(at), second = b.substr(at);
		// ns.svc.cluster.local and svc.cluster.local
		if ((ends_with(first, second) && has_dot(second)) || (ends_with(second, first) && has_dot(first))) return true;
		if (is_search(first, netns) && is_search(second, netns)) return true;
	}
	return false;
}

bool DnsSearch::is_search(std::string_view suffix, uint32_t netns) const {
	const uint64_t hash = dns_hash(secret_, netns, suffix);
	return suffixes_[hash % kSuffixes] == hash;
}

void DnsSearch::learn(std::string_view suffix, uint32_t netns) {
	const uint64_t hash = dns_hash(secret_, netns, suffix);
	suffixes_[hash % kSuffixes] = hash;
}

} // namespace synpipe
