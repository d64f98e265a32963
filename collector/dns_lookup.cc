// SPDX-License-Identifier: MIT
#include "dns_lookup.h"

#include <cstring>

namespace synpipe {

uint64_t dns_hash(uint64_t secret, uint64_t number, std::string_view text) {
	constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
	uint64_t hash = secret;
	auto mix = [&](uint64_t word) {
		hash = (hash ^ word) * kFactor;
		hash ^= hash >> 29;
	};
	mix(number);
	mix(text.size());
	for (; text.size() >= 8; text.remove_prefix(8)) {
		uint64_t word;
		memcpy(&word, text.data(), 8);
		mix(word);
	}
	uint64_t rest = 0;
	memcpy(&rest, text.data(), text.size());
	mix(rest);
	return hash;
}

} // namespace synpipe
