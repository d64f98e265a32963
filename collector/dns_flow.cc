// SPDX-License-Identifier: MIT
#include "dns_flow.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

namespace synpipe {
namespace {

constexpr size_t kMostQueries = 16384;
constexpr uint64_t kPatienceNs = 60'000'000'000; // no client waits longer for an answer
constexpr size_t kMostConnections = 128;
constexpr DnsPeer kNone = {};

DnsPeer peer_of(const __u8 (&bytes)[16]) {
	DnsPeer peer;
	std::copy(std::begin(bytes), std::end(bytes), peer.begin());
	return peer;
}

uint16_t id_of(const uint8_t *message) { return message[0] << 8 | message[1]; }

} // namespace

bool DnsFlow::Key::operator==(const Key &other) const {
	return socket == other.socket && id == other.id && server == other.server;
}

size_t DnsFlow::Hash::operator()(const Key &key) const {
	std::string_view server(reinterpret_cast<const char *>(key.server.data()), key.server.size());
	return std::hash<uint64_t>()(key.socket * 65537 + key.id) ^ std::hash<std::string_view>()(server);
}

void DnsFlow::packet(const dns_packet &packet) {
	switch (packet.kind) {
	case DNS_QUERY: return query(packet, packet.data, packet.size);
	case DNS_ANSWER: return answer(packet, packet.data, packet.size);
	default: return segment(packet);
	}
}

void DnsFlow::query(const dns_packet &from, const uint8_t *message, size_t size) {
	DnsQuestion question;
	if (!dns_question(message, size, question)) return;
	const uint16_t id = id_of(message);
	const DnsPeer peer = peer_of(from.peer), asked = peer_of(from.asked);
	forget_old(from.time_ns);
	if (from.connected) return remember({from.socket, kNone, id}, question, from.time_ns);
	remember({from.socket, peer, id}, question, from.time_ns);
	if (asked != kNone && asked != peer) remember({from.socket, asked, id}, question, from.time_ns);
}

// Asked again, the time is that of the first time.
void DnsFlow::remember(const Key &key, const DnsQuestion &question, uint64_t time_ns) {
	Query &query = queries_[key];
	if (query.number && query.question == question) return;
	query = {question, time_ns, ++number_};
	order_.emplace_back(key, number_);
}

void DnsFlow::forget_old(uint64_t now_ns) {
	while (!order_.empty()) {
		const auto &[key, number] = order_.front();
		auto found = queries_.find(key);
		const bool open = found != queries_.end() && found->second.number == number;
		if (open) {
			const bool old = now_ns > found->second.time_ns && now_ns - found->second.time_ns > kPatienceNs;
			if (!old && queries_.size() < kMostQueries) return;
			if (!old) missing_++;
			queries_.erase(found);
		}
		order_.pop_front();
	}
}

void DnsFlow::answer(const dns_packet &from, const uint8_t *message, size_t size) {
	if (size < 2) return;
	auto found = queries_.find({from.socket, from.connected ? kNone : peer_of(from.peer), id_of(message)});
	if (found == queries_.end()) {
		if (missing_ > 0) missing_--, lost_++;
		return;
	}
	DnsAddresses addresses;
	const DnsVerdict verdict = dns_answer(message, size, found->second.question, addresses);
	// No client takes that one: the right answer may be on its way.
	if (verdict == DnsVerdict::invalid) {
		lost_++;
		return;
	}
	const Query query = std::move(found->second);
	queries_.erase(found);
	if (verdict == DnsVerdict::none) return;
	const uint64_t latency = from.time_ns > query.time_ns ? from.time_ns - query.time_ns : 0;
	tell_({from.time_ns, latency, from.netns, from.kind == DNS_TCP_IN, peer_of(from.peer), query.question.name,
		   addresses});
}

void DnsFlow::segment(const dns_packet &packet) {
	if (packet.kind == DNS_TCP_OUT && packet.flags & DNS_TCP_SYN) begin(packet);
	auto found = connections_.find(packet.socket);
	if (found == connections_.end()) return; // from before the start
	Connection &connection = found->second;
	const bool in = packet.kind == DNS_TCP_IN, syn = packet.flags & DNS_TCP_SYN;
	connection.used_ns = packet.time_ns;
	DnsStream &stream = in ? connection.in : connection.out;
	if (in && syn) stream.start(packet.seq + 1);
	if (!stream.add(packet.seq + syn, reinterpret_cast<const char *>(packet.data), packet.size))
		return give_up(packet.socket);
	stream.messages([&](const uint8_t *message, size_t size) {
		connection.open += in ? -1 : 1;
		if (in) answer(packet, message, size);
		else query(packet, message, size);
	});
	if (in && packet.flags & (DNS_TCP_FIN | DNS_TCP_RST)) connections_.erase(found);
}

void DnsFlow::begin(const dns_packet &packet) {
	if (connections_.size() >= kMostConnections) {
		auto older = [](const auto &a, const auto &b) { return a.second.used_ns < b.second.used_ns; };
		give_up(std::min_element(connections_.begin(), connections_.end(), older)->first);
	}
	connections_.erase(packet.socket);
	connections_[packet.socket].out.start(packet.seq + 1);
}

void DnsFlow::give_up(uint64_t socket) {
	lost_ += std::max(connections_[socket].open, 0);
	connections_.erase(socket);
}

} // namespace synpipe
