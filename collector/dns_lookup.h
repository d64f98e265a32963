// SPDX-License-Identifier: MIT
// One look-up of a name, and the event that reports its end.
#pragma once

#include "dns_message.h"

#include "process.h"

#include <array>
#include <string_view>

namespace synpipe {

using DnsPeer = std::array<uint8_t, 16>; // an IPv4 address is IPv4-mapped

constexpr uint64_t kDnsTimeoutNs = 5'000'000'000; // a look-up that is unanswered for this long is reported

constexpr uint64_t kDnsProcess = 1ull << 63; // marks an asker that is a process

struct DnsLookup {
	uint64_t asker; // kDnsProcess and the process if it is known, else the socket
	process who;    // pid 0: not known; only the used bytes of exe are set
	DnsQuestion question;
	uint64_t first_ns, last_ns; // queries, boot clock
	uint32_t netns;
	uint32_t attempts;
	DnsPeer server; // the one that was asked last, or that has answered
	uint16_t id;    // of the last query
	bool tcp;
};

enum class DnsError {
	none,
	rcode,
	nodata,    // the name exists, but has no such addresses
	timeout,   // no answer
	truncated, // an answer that was not followed by a query over TCP
};

struct DnsEvent {
	const DnsLookup &lookup;
	uint64_t time_ns; // boot clock
	int rcode;        // -1: no answer
	DnsError error;
	bool search; // an expected failure, caused by the resolver's search list
	const DnsAddresses &addresses;
};

// Returns a hash for a table. It depends on a secret, so that nobody can choose names that collide.
uint64_t dns_hash(uint64_t secret, uint64_t number, std::string_view text);

} // namespace synpipe
