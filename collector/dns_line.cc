// SPDX-License-Identifier: MIT
#include "dns.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <iterator>

namespace synpipe {
namespace {

void put_number(std::string &to, const char *key, uint64_t number) {
	char text[20];
	to.append(key).append(text, std::to_chars(text, std::end(text), number).ptr);
}

// Names and addresses are printable ASCII when they get here.
void put_text(std::string &to, const std::string &text) {
	to += '"';
	for (size_t at = 0; at < text.size();) {
		const size_t end = std::min(text.find_first_of("\"\\", at), text.size());
		to.append(text, at, end - at);
		if (end < text.size()) (to += '\\') += text[end];
		at = end + 1;
	}
	to += '"';
}

void put_list(std::string &to, const char *key, const std::vector<std::string> &list) {
	to += key;
	for (const std::string &text : list) {
		to += &text == &list.front() ? '[' : ',';
		put_text(to, text);
	}
	to += ']';
}

std::string address(const DnsPeer &peer) {
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char text[INET6_ADDRSTRLEN];
	const bool ip4 = memcmp(peer.data(), mapped, sizeof mapped) == 0;
	return {text, put_address(text, peer.data() + (ip4 ? sizeof mapped : 0), ip4 ? 4 : 6)};
}

std::string error_name(const DnsEvent &event) {
	switch (event.error) {
	case DnsError::nodata: return "NODATA";
	case DnsError::timeout: return "TIMEOUT";
	case DnsError::truncated: return "TRUNCATED";
	default: return rcode_name(event.rcode);
	}
}

} // namespace

void put_dns(std::string &to, Format &format, const DnsEvent &event, uint64_t seq) {
	const DnsLookup &lookup = event.lookup;
	char text[kMaxLine];
	put_number(to, "{\"type\":\"dns\",\"v\":1,\"seq\":", seq);
	to.append(",\"ts\":\"").append(text, format.time(text, event.time_ns) - text);
	to += '"';
	if (lookup.who.pid) to.append(text, format.process(text, lookup.who, false) - text);
	if (lookup.netns) put_number(to, ",\"netns\":", lookup.netns);
	if (lookup.who.pid) to.append(text, format.cgroup(text, lookup.who) - text);
	to += ",\"name\":";
	put_text(to, lookup.question.name);
	to.append(",\"qtype\":\"").append(qtype_name(lookup.question.type)) += '"';
	if (event.rcode >= 0) to.append(",\"rcode\":\"").append(rcode_name(event.rcode)) += '"';
	if (event.error != DnsError::none) to.append(",\"error\":\"").append(error_name(event)) += '"';
	if (event.search) to += ",\"search\":true";
	const DnsAddresses &found = event.addresses;
	if (!found.cnames.empty()) put_list(to, ",\"cnames\":", found.cnames);
	if (!found.addrs.empty()) {
		put_list(to, ",\"addrs\":", found.addrs);
		put_number(to, ",\"ttl\":", found.ttl);
	}
	if (lookup.attempts > 1) put_number(to, ",\"attempts\":", lookup.attempts);
	const uint64_t latency = event.time_ns > lookup.first_ns ? event.time_ns - lookup.first_ns : 0;
	put_number(to, ",\"latency_us\":", latency / 1000);
	to += ",\"server\":";
	put_text(to, address(lookup.server));
	to += lookup.tcp ? ",\"transport\":\"tcp\"}\n" : ",\"transport\":\"udp\"}\n";
}

} // namespace synpipe
