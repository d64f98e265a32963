// SPDX-License-Identifier: MIT
// Fuzzes the DNS readers. The first byte selects what the rest is: a message that answers a question, packets as the
// kernel side delivers them, or a TCP stream in pieces. Built and run by dns.test.ts.
#include "../../collector/dns.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(const char *why, const std::string &text = "") {
	fprintf(stderr, "%s: %s\n", why, text.c_str());
	abort();
}

// The C library is not instrumented: a copy that ends where mapped memory ends makes its reads beyond the end crash.
class Guarded {
public:
	static constexpr size_t kRoom = 128 * 1024;

	Guarded() {
		base_ = static_cast<uint8_t *>(
			mmap(nullptr, kRoom + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		mprotect(base_ + kRoom, sysconf(_SC_PAGESIZE), PROT_NONE);
	}

	uint8_t *copy(const void *data, size_t size) {
		auto at = base_ + kRoom - size;
		if (size > 0) memcpy(at, data, size);
		return at;
	}

private:
	uint8_t *base_;
};
Guarded guarded;

// Checks for one line of printable ASCII, with balanced brackets and quotes and no name longer than the schema allows.
void check_line(const std::string &line) {
	bool quoted = false;
	size_t name = 0, depth = 0;
	for (size_t i = 0; i + 1 < line.size(); i++) {
		const char c = line[i];
		if (c < 0x20 || c > 0x7e) fail("not printable", line);
		if (quoted) {
			if (c == '\\' && line[++i] != '"' && line[i] != '\\') fail("a bad escape", line);
			if (c != '"' && ++name > 1024) fail("a long name", line);
			quoted = c != '"';
			continue;
		}
		if (c == '"') quoted = true, name = 0;
		if (c == '[' || c == '{') depth++;
		if ((c == ']' || c == '}') && depth-- == 0) fail("brackets", line);
	}
	if (quoted || depth || line.size() < 2 || line.compare(line.size() - 2, 2, "}\n")) fail("not a line", line);
}

void check_event(const synpipe::DnsEvent &event) {
	const auto &found = event.addresses;
	const std::string &name = event.lookup.question.name;
	const bool failed = event.error != synpipe::DnsError::none;
	if (found.addrs.empty() != failed || found.addrs.size() > 4096 || found.cnames.size() > 32 || found.ttl > INT32_MAX ||
		name.empty() || event.lookup.attempts == 0 || (event.search && !failed))
		fail("against the schema", name);
	synpipe::Format format;
	std::string line;
	synpipe::put_dns(line, format, event, 1);
	check_line(line);
}

void message(const uint8_t *data, size_t size) {
	const uint8_t *bytes = guarded.copy(data, size);
	synpipe::DnsQuestion asked = {"a.b", 1}, other;
	synpipe::DnsAddresses found;
	synpipe::dns_question(bytes, size, other);
	int rcode;
	if (synpipe::dns_answer(bytes, size, asked, found, rcode) != synpipe::DnsVerdict::addresses) return;
	synpipe::DnsLookup lookup = {};
	lookup.question = asked;
	lookup.attempts = 1;
	check_event({lookup, 1, rcode, synpipe::DnsError::none, false, found});
}

// Each packet: kind, flags and socket, number, size, bytes. The flags select the asker and the time since the last packet.
void packets(const uint8_t *data, size_t size) {
	synpipe::DnsFlow flow(check_event, 1);
	uint64_t time = 1;
	while (size >= 6) {
		const size_t length = std::min<size_t>(data[4] << 8 | data[5], size - 6);
		const bool asker = data[1] & 8;
		const size_t before = sizeof(dns_packet) + (asker ? sizeof(process) : 0);
		std::string bytes((before + length + 7) / 8 * 8, '\0'); // aligned, as in the ring buffer
		auto head = reinterpret_cast<dns_packet *>(bytes.data());
		time += data[1] & 16 ? 1'000'000'000 : 1'000'000;
		head->time_ns = time;
		head->asker = asker;
		if (asker) reinterpret_cast<process *>(head->data)->pid = 1 + (data[1] >> 5 & 1);
		head->kind = data[0] & 3;
		head->connected = data[0] >> 2 & 1;
		head->peer[15] = data[0] >> 3 & 3;
		head->asked[15] = data[0] >> 5 & 3;
		head->flags = data[1] & 7;
		head->socket = data[1] >> 3;
		head->seq = data[2] << 8 | data[3];
		head->size = length;
		memcpy(bytes.data() + before, data + 6, length);
		flow.miss(data[0] >> 7);
		flow.packet(*reinterpret_cast<dns_packet *>(guarded.copy(bytes.data(), bytes.size())));
		data += 6 + length;
		size -= 6 + length;
	}
	flow.finish();
}

// However the pieces of a stream are ordered or repeated, the messages are the same.
void stream(const uint8_t *data, size_t size) {
	if (size < 2) return;
	const size_t shift = data[0];
	std::string bytes;
	std::vector<std::string> wanted, got;
	for (size_t at = 1; at < size; at += 1 + data[at]) {
		const size_t length = std::min<size_t>(data[at], size - at - 1);
		wanted.emplace_back(reinterpret_cast<const char *>(data + at + 1), length);
		bytes += {'\0', static_cast<char>(length)};
		bytes += wanted.back();
	}
	const uint32_t first = UINT32_MAX - shift; // sequence numbers wrap
	synpipe::DnsStream stream;
	stream.start(first);
	auto visit = [&](const uint8_t *message, size_t length) {
		got.emplace_back(reinterpret_cast<const char *>(message), length);
	};
	bool whole = true;
	auto add = [&](size_t from, size_t length) {
		if (from >= bytes.size() || !whole) return;
		length = std::min(length, bytes.size() - from);
		whole = stream.add(first + from, bytes.data() + from, length);
		stream.messages(visit);
	};
	const size_t piece = 1 + data[1] % 40, swaps = 1 + data[size - 1] % 5;
	for (size_t from = 0; from < bytes.size(); from += piece * swaps)
		for (size_t i = swaps; i-- > 0;) add(from + i * piece, piece + (i & 1) * shift);
	if (whole && got != wanted) fail("other messages");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0) return 0;
	switch (data[0] % 3) {
	case 0: message(data + 1, size - 1); break;
	case 1: packets(data + 1, size - 1); break;
	default: stream(data + 1, size - 1);
	}
	return 0;
}
