// SPDX-License-Identifier: MIT
// What a DNS message says, read with the C library's own parser (ns_initparse and its like in libresolv): it takes any
// bytes, allocates nothing, and escapes what is not printable. No system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace synpipe {

// Names are in lower case, without the last dot, escaped as in a zone file: \DDD, and \ before a character that means
// something there.
struct DnsQuestion {
	std::string name;
	uint16_t type = 0;
	bool operator==(const DnsQuestion &other) const { return type == other.type && name == other.name; }
};

struct DnsAddresses {
	std::vector<std::string> cnames; // from the asked name to the one that has the addresses
	std::vector<std::string> addrs;
	uint32_t ttl = 0; // seconds, the least of the records on the way
};

// The question of a query for addresses. False: it asks for something else, or it is no query.
bool dns_question(const uint8_t *message, size_t size, DnsQuestion &to);

enum class DnsVerdict {
	addresses,
	none,    // an error code, no such data, or cut short (TC): then it comes again by TCP
	invalid, // no client could take it for the answer to its question
};
DnsVerdict dns_answer(const uint8_t *message, size_t size, const DnsQuestion &asked, DnsAddresses &to);

} // namespace synpipe
