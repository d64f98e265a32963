// SPDX-License-Identifier: MIT
#include "dns.h"

#include <arpa/inet.h>
#include <cstring>

namespace synpipe {
namespace {

void put_number(std::string &to, const char *key, uint64_t number) { to += key + std::to_string(number); }

// Names and addresses are printable ASCII by the time they come here.
void put_text(std::string &to, const std::string &text) {
	to += '"';
	for (char c : text) {
		if (c == '"' || c == '\\') to += '\\';
		to += c;
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
	return inet_ntop(ip4 ? AF_INET : AF_INET6, peer.data() + (ip4 ? sizeof mapped : 0), text, sizeof text);
}

} // namespace

void put_dns(std::string &to, Format &format, const DnsAnswer &answer, uint64_t seq) {
	char ts[32];
	put_number(to, "{\"type\":\"dns\",\"v\":1,\"seq\":", seq);
	to.append(",\"ts\":\"").append(ts, format.time(ts, answer.time_ns) - ts);
	to += '"';
	if (answer.netns) put_number(to, ",\"netns\":", answer.netns);
	to += ",\"name\":";
	put_text(to, answer.name);
	if (!answer.addresses.cnames.empty()) put_list(to, ",\"cnames\":", answer.addresses.cnames);
	put_list(to, ",\"addrs\":", answer.addresses.addrs);
	put_number(to, ",\"ttl\":", answer.addresses.ttl);
	put_number(to, ",\"latency_us\":", answer.latency_ns / 1000);
	to += ",\"server\":";
	put_text(to, address(answer.server));
	to += answer.tcp ? ",\"transport\":\"tcp\"}\n" : ",\"transport\":\"udp\"}\n";
}

} // namespace synpipe
