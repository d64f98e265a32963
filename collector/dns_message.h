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

// Its mnemonic, or RCODE and the number.
std::string rcode_name(int rcode);
const char *qtype_name(uint16_t type);

// The question of a query for addresses. False: it asks for something else, or it is no query.
bool dns_question(const uint8_t *message, size_t size, DnsQuestion &to);

enum class DnsVerdict {
	addresses,
	error,     // a response code
	nodata,    // the name has no such addresses
	truncated, // cut short (TC): a client asks again by TCP
	invalid,   // no client could take it for the answer to its question
};
DnsVerdict dns_answer(const uint8_t *message, size_t size, const DnsQuestion &asked, DnsAddresses &to, int &rcode);

} // namespace synpipe
