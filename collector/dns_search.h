// SPDX-License-Identifier: MIT
// Recognizes names that a resolver makes from one name with the suffixes of its search list. Makes no system call.
#pragma once

#include "dns_lookup.h"

#include <string_view>
#include <vector>

namespace synpipe {

// Returns the end of the label that starts at `at`. A dot within a label is escaped.
size_t dns_label_end(std::string_view name, size_t at);
std::string_view dns_first_label(std::string_view name);

// Whether `name` is `start`, a dot, and more.
bool dns_begins_with(std::string_view name, std::string_view start);

class DnsSearch {
public:
	explicit DnsSearch(uint64_t secret) : secret_(secret) {}

	// Whether two names are the same, or one has a suffix and the other does not, or they are the same name with two search
	// suffixes, one of which ends with the other, or both of which were seen in use in that network namespace.
	bool related(std::string_view a, std::string_view b, uint32_t netns);

private:
	bool is_search(std::string_view suffix, uint32_t netns) const;
	void learn(std::string_view suffix, uint32_t netns);

	static constexpr size_t kSuffixes = 1024;
	const uint64_t secret_;
	// Hashes, each at the index that follows from it; a newer one replaces an older one.
	std::vector<uint64_t> suffixes_ = std::vector<uint64_t>(kSuffixes);
};

} // namespace synpipe
