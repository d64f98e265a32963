// SPDX-License-Identifier: MIT
// Reads DNS messages with the C library's own parser (ns_initparse and related functions in libresolv): it accepts any bytes,
// allocates nothing, and escapes what is not printable. Makes no system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace synpipe {

// Names are in lower case, without the last dot, and escaped as in a zone file: \DDD, or \ before a special character.
struct DnsQuestion {
	std::string name;
	uint16_t type = 0;
	bool operator==(const DnsQuestion &other) const { return type == other.type && name == other.name; }
};

struct DnsAddresses {
	std::vector<std::string> cnames; // from the asked name to the one that has the addresses
	std::vector<std::string> addrs;
	uint32_t ttl = 0; // seconds, the lowest of the records on the way
};

// Returns the mnemonic of a response code, or RCODE and its number.
std::string rcode_name(int rcode);
const char *qtype_name(uint16_t type);

// Reads the question of a query for addresses. Returns false if it asks for something else, or is not a query.
bool dns_question(const uint8_t *message, size_t size, DnsQuestion &to);

enum class DnsVerdict {
	addresses,
	error,     // a response code
	nodata,    // the name has no such addresses
	truncated, // cut short (TC): a client asks again by TCP
	invalid,   // no client could take it for the answer to its question
};

// Reads the answer to `asked`. Sets `rcode` unless the message is not a response at all.
DnsVerdict dns_answer(const uint8_t *message, size_t size, const DnsQuestion &asked, DnsAddresses &to, int &rcode);

} // namespace synpipe
