// SPDX-License-Identifier: MIT
#include "dns_flow.h"

#include <algorithm>
#include <arpa/nameser.h>
#include <cstddef>
#include <cstring>

namespace synpipe {
namespace {

constexpr size_t kMaxLookups = 16384;
constexpr size_t kMaxKeys = 32;   // queries of one look-up
constexpr int kMaxSame = 16;      // look-ups of the same asker and name that a query is compared with
constexpr uint64_t kPatienceNs = 60'000'000'000; // no client waits longer for an answer
constexpr uint64_t kRetryNs = 1'000'000'000;     // a client that chooses a new id waits at least this long before it asks again
constexpr uint64_t kSlackNs = 50'000'000;        // packets may arrive out of order by this much
constexpr size_t kMaxConnections = 128, kMaxOpen = 1024;
constexpr DnsPeer kNone = {};
const DnsAddresses kNoAddresses;

DnsPeer peer_of(const __u8 (&bytes)[16]) {
	DnsPeer peer;
	std::copy(std::begin(bytes), std::end(bytes), peer.begin());
	return peer;
}

uint16_t id_of(const uint8_t *message) { return message[0] << 8 | message[1]; }

// Returns the server that the program asked.
DnsPeer server_of(const dns_packet &packet) {
	const DnsPeer asked = peer_of(packet.asked);
	return asked != kNone ? asked : peer_of(packet.peer);
}

void copy_process(process &to, const process *from) {
	to.pid = 0;
	if (from && from->exe_size <= PROCESS_EXE_BYTES) memcpy(&to, from, offsetof(process, exe) + from->exe_size);
}

// Whether this failure is the answer. After any other one, the stub resolver may get an answer from another server.
bool is_final(const DnsEvent &how) {
	return how.error == DnsError::nodata || (how.error == DnsError::rcode && how.rcode == ns_r_nxdomain);
}

} // namespace

bool DnsFlow::Key::operator==(const Key &other) const {
	return socket == other.socket && id == other.id && server == other.server;
}

size_t DnsFlow::Hash::operator()(const Key &key) const {
	std::string_view server(reinterpret_cast<const char *>(key.server.data()), key.server.size());
	return std::hash<uint64_t>()(key.socket * 65537 + key.id) ^ std::hash<std::string_view>()(server);
}

DnsFlow::Key DnsFlow::key_of(const dns_packet &from, uint16_t id) const {
	const bool alone = from.connected || from.kind == DNS_TCP_OUT || from.kind == DNS_TCP_IN;
	return {from.socket, alone ? kNone : peer_of(from.peer), id};
}

void DnsFlow::packet(const dns_packet &packet) {
	const process *who = packet.asker ? reinterpret_cast<const process *>(packet.data) : nullptr;
	const uint8_t *bytes = packet.data + (who ? sizeof(process) : 0);
	if (packet.time_ns > kSlackNs) advance(packet.time_ns - kSlackNs);
	switch (packet.kind) {
	case DNS_QUERY: return query(packet, who, server_of(packet), bytes, packet.size);
	case DNS_ANSWER: return answer(packet, bytes, packet.size);
	default: return segment(packet, who, bytes);
	}
}

void DnsFlow::query(const dns_packet &from, const process *who, const DnsPeer &server, const uint8_t *message,
					size_t size) {
	DnsQuestion question;
	if (!dns_question(message, size, question)) return;
	const uint16_t id = id_of(message);
	const uint64_t asker = who && who->pid ? kDnsProcess | who->pid : from.socket;
	const uint64_t hash = dns_hash(secret_, asker, question.name);
	Lookup *lookup = find(asker, hash, question, id, from.time_ns);
	if (!lookup && is_answered(hash, question.type, id, server, from.time_ns)) return;
	if (!lookup) lookup = &add_lookup(asker, hash, std::move(question), from, who);
	lookup->id = id;
	lookup->last_ns = from.time_ns;
	lookup->attempts++;
	lookup->server = server;
	lookup->tcp = from.kind == DNS_TCP_OUT;
	const Key key = key_of(from, id);
	remember(key, *lookup);
	if (key.server != kNone && key.server != server) remember({from.socket, server, id}, *lookup);
	const bool continued = settle_.asked(*lookup, from.time_ns);
	if (!continued || !lookup->reported) return;
	lookup->reported = false; // its failure was held back, and does not count yet
	lookup->started_ns = from.time_ns;
	waiting_.splice(waiting_.end(), late_, lookup->self);
}

/*
 * Returns the look-up that a query repeats, or NULL: the same asker has asked this before, has no answer, and asks again with
 * the same id (glibc, musl, c-ares) or, after a second or more, with another one (Go, whose time-out is 5 s).
 */
DnsFlow::Lookup *DnsFlow::find(uint64_t asker, uint64_t hash, const DnsQuestion &question, uint16_t id, uint64_t now_ns) {
	auto found = same_.find(hash);
	Lookup *again = nullptr;
	int compared = 0;
	for (Lookup *one = found == same_.end() ? nullptr : found->second; one && compared < kMaxSame; one = one->next) {
		compared++;
		if (one->asker != asker || !(one->question == question)) continue;
		if (one->id == id) return one;
		if (now_ns > one->last_ns + kRetryNs && now_ns < one->first_ns + kDnsTimeoutNs + kRetryNs) again = one;
	}
	return again;
}

// Returns the look-up of the other family's addresses if it is still unanswered, else NULL.
const DnsFlow::Lookup *DnsFlow::sibling(const Lookup &lookup) const {
	auto found = same_.find(lookup.hash);
	int compared = 0;
	for (const Lookup *one = found == same_.end() ? nullptr : found->second; one && compared < kMaxSame; one = one->next) {
		compared++;
		if (one->asker == lookup.asker && one->question.name == lookup.question.name &&
			one->question.type != lookup.question.type && !one->reported)
			return one;
	}
	return nullptr;
}

DnsFlow::Lookup &DnsFlow::add_lookup(uint64_t asker, uint64_t hash, DnsQuestion question, const dns_packet &from,
								const process *who) {
	make_room();
	Lookup &lookup = waiting_.emplace_back();
	lookup.asker = asker;
	copy_process(lookup.who, who);
	lookup.question = std::move(question);
	lookup.first_ns = lookup.started_ns = from.time_ns;
	lookup.netns = from.netns;
	lookup.attempts = 0;
	lookup.hash = hash;
	lookup.reported = false;
	lookup.self = std::prev(waiting_.end());
	Lookup *&newest = same_[hash];
	lookup.before = nullptr;
	lookup.next = newest;
	if (newest) newest->before = &lookup;
	newest = &lookup;
	return lookup;
}

void DnsFlow::note_answered(const Lookup &lookup, uint64_t now_ns) {
	const uint64_t hash = lookup.hash ^ (uint64_t{lookup.question.type} << 16 | lookup.id);
	answered_[hash % kAnswered] = {hash, now_ns, lookup.server};
}

// Whether a query asks another server for what has just been answered: the same asker, question and id, a moment later.
bool DnsFlow::is_answered(uint64_t hash, uint16_t type, uint16_t id, const DnsPeer &server, uint64_t now_ns) const {
	hash ^= uint64_t{type} << 16 | id;
	const Answered &one = answered_[hash % kAnswered];
	return one.hash == hash && one.server != server && now_ns < one.time_ns + kRetryNs;
}

void DnsFlow::remember(const Key &key, Lookup &lookup) {
	Lookup *&owner = queries_[key];
	if (owner == &lookup) return;
	if (lookup.keys.size() == kMaxKeys) {
		if (!owner) queries_.erase(key);
		return;
	}
	owner = &lookup; // the program, too, would take an earlier owner's answer for this one's
	lookup.keys.push_back(key);
}

void DnsFlow::forget(Lookup &lookup) {
	for (const Key &key : lookup.keys) {
		auto found = queries_.find(key);
		if (found != queries_.end() && found->second == &lookup) queries_.erase(found);
	}
	if (lookup.next) lookup.next->before = lookup.before;
	if (lookup.before) lookup.before->next = lookup.next;
	else if (lookup.next) same_[lookup.hash] = lookup.next;
	else same_.erase(lookup.hash);
	(lookup.reported ? late_ : waiting_).erase(lookup.self);
}

void DnsFlow::make_room() {
	if (waiting_.size() + late_.size() < kMaxLookups) return;
	if (late_.empty()) lost_++;
	forget(late_.empty() ? waiting_.front() : late_.front());
}

void DnsFlow::advance(uint64_t now_ns) {
	while (!waiting_.empty() && waiting_.front().started_ns + kDnsTimeoutNs <= now_ns) {
		Lookup &lookup = waiting_.front();
		lookup.reported = true;
		late_.splice(late_.end(), waiting_, waiting_.begin());
		if (missing_answers_ > 0 && lookup.started_ns <= missed_ns_) missing_answers_--; // its answer may have come
		else settle_.timed_out({lookup, lookup.started_ns + kDnsTimeoutNs, -1, DnsError::timeout, false, kNoAddresses});
	}
	while (!late_.empty() && late_.front().started_ns + kPatienceNs <= now_ns) forget(late_.front());
	settle_.advance(now_ns);
}

uint64_t DnsFlow::due_ns() const {
	const uint64_t timeout = waiting_.empty() ? UINT64_MAX : waiting_.front().started_ns + kDnsTimeoutNs;
	return std::min(timeout, settle_.due_ns());
}

void DnsFlow::answer(const dns_packet &from, const uint8_t *message, size_t size) {
	if (size < 2) return;
	const Key key = key_of(from, id_of(message));
	auto found = queries_.find(key);
	if (found == queries_.end()) {
		if (missing_ > 0) missing_--, lost_++;
		return;
	}
	Lookup &lookup = *found->second;
	DnsAddresses addresses;
	int rcode = 0;
	const DnsVerdict verdict = dns_answer(message, size, lookup.question, addresses, rcode);
	// No client accepts this one: the right answer may still be on its way.
	if (verdict == DnsVerdict::invalid) {
		lost_++;
		return;
	}
	if (verdict == DnsVerdict::addresses || verdict == DnsVerdict::nodata || rcode == ns_r_nxdomain)
		note_answered(lookup, from.time_ns);
	lookup.server = peer_of(from.peer);
	lookup.tcp = from.kind == DNS_TCP_IN;
	if (verdict == DnsVerdict::addresses) {
		settle_.succeeded({lookup, from.time_ns, rcode, DnsError::none, false, addresses});
		return forget(lookup);
	}
	DnsError error = DnsError::rcode;
	if (verdict == DnsVerdict::nodata) error = DnsError::nodata;
	if (verdict == DnsVerdict::truncated) error = DnsError::truncated;
	fail(lookup, key, {lookup, from.time_ns, rcode, error, false, kNoAddresses});
}

// A resolver that asks several servers at once takes the first good answer: the queries to the others stay open.
void DnsFlow::fail(Lookup &lookup, const Key &key, const DnsEvent &how) {
	const Lookup *other = sibling(lookup);
	auto &keys = lookup.keys;
	keys.erase(std::remove(keys.begin(), keys.end(), key), keys.end());
	queries_.erase(key);
	settle_.failed(how, other);
	if (is_final(how) || keys.empty()) return forget(lookup);
	if (lookup.reported) return;
	lookup.reported = true;
	late_.splice(late_.end(), waiting_, lookup.self);
}

void DnsFlow::segment(const dns_packet &packet, const process *who, const uint8_t *bytes) {
	if (packet.kind == DNS_TCP_OUT && packet.flags & DNS_TCP_SYN) add_connection(packet, who);
	auto found = connections_.find(packet.socket);
	if (found == connections_.end()) return; // it is older than this run
	Connection &connection = found->second;
	const bool in = packet.kind == DNS_TCP_IN, syn = packet.flags & DNS_TCP_SYN;
	connection.used_ns = packet.time_ns;
	DnsStream &stream = in ? connection.in : connection.out;
	if (in && syn) stream.start(packet.seq + 1);
	if (!stream.add(packet.seq + syn, reinterpret_cast<const char *>(bytes), packet.size)) return give_up(packet.socket);
	stream.messages([&](const uint8_t *message, size_t size) {
		if (size < 2) return;
		auto &open = connection.open;
		if (in) {
			open.erase(std::remove(open.begin(), open.end(), id_of(message)), open.end());
			answer(packet, message, size);
		} else {
			if (open.size() < kMaxOpen) open.push_back(id_of(message));
			query(packet, connection.who.pid ? &connection.who : nullptr, connection.server, message, size);
		}
	});
	if (in && packet.flags & (DNS_TCP_FIN | DNS_TCP_RST)) connections_.erase(found);
}

void DnsFlow::add_connection(const dns_packet &packet, const process *who) {
	if (connections_.size() >= kMaxConnections) {
		auto older = [](const auto &a, const auto &b) { return a.second.used_ns < b.second.used_ns; };
		give_up(std::min_element(connections_.begin(), connections_.end(), older)->first);
	}
	connections_.erase(packet.socket);
	Connection &connection = connections_[packet.socket];
	connection.out.start(packet.seq + 1);
	connection.server = server_of(packet);
	copy_process(connection.who, who);
}

// Forgets a connection and its unanswered look-ups, which are lost.
void DnsFlow::give_up(uint64_t socket) {
	for (uint16_t id : connections_[socket].open) {
		auto found = queries_.find({socket, kNone, id});
		if (found == queries_.end()) continue;
		Lookup &lookup = *found->second;
		if (!lookup.reported) lost_++;
		forget(lookup);
	}
	connections_.erase(socket);
}

} // namespace synpipe
