// SPDX-License-Identifier: MIT
#include "format.h"

#include "event_names.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace synpipe {
namespace {

constexpr int kMaxError = 4095; // the kernel's MAX_ERRNO
constexpr uint64_t kMaxExact = (1ull << 53) - 1;

char *put(char *out, const char *text, size_t size) {
	memcpy(out, text, size);
	return out + size;
}

template <size_t N> char *put(char *out, const char (&text)[N]) { return put(out, text, N - 1); }

char *put_string(char *out, const char *text) { return put(out, text, strlen(text)); }

char *put_number(char *out, uint64_t number) { return std::to_chars(out, out + 20, number).ptr; }

bool is_zero(const __u8 *address) {
	static const __u8 zero[16] = {};
	return memcmp(address, zero, sizeof zero) == 0;
}

// Returns the length of the valid UTF-8 character at `p`, or minus the length of the maximal invalid part, as TextDecoder
// replaces it: a lead byte and the continuations that a valid character could have there.
int utf8_length(const unsigned char *p, const unsigned char *end) {
	unsigned char lead = *p, low = 0x80, high = 0xbf;
	int rest;
	if (lead < 0x80) return 1;
	if (lead < 0xc2 || lead > 0xf4) return -1;
	if (lead < 0xe0) rest = 1;
	else if (lead < 0xf0) rest = 2;
	else rest = 3;
	if (lead == 0xe0) low = 0xa0; // else overlong
	if (lead == 0xed) high = 0x9f; // else a surrogate
	if (lead == 0xf0) low = 0x90; // else overlong
	if (lead == 0xf4) high = 0x8f; // else above U+10FFFF
	for (int i = 1; i <= rest; i++) {
		if (p + i == end || p[i] < low || p[i] > high) return -i;
		low = 0x80;
		high = 0xbf;
	}
	return rest + 1;
}

char *put_control(char *out, unsigned char code) {
	static const char hex[] = "0123456789abcdef";
	out = put(out, "\\u00");
	*out++ = hex[code >> 4];
	*out++ = hex[code & 15];
	return out;
}

// Whether a character needs no escape in a string.
bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

// Writes the content of a JSON string. Names are arbitrary bytes that somebody chose: everything that a terminal would obey is
// escaped, C1 controls included.
char *put_text(char *out, const char *text, size_t size) {
	auto p = reinterpret_cast<const unsigned char *>(text);
	auto end = p + size;
	while (p < end) {
		if (is_plain(*p)) {
			*out++ = *p++;
			continue;
		}
		int length = utf8_length(p, end);
		if (length < 0) {
			out = put(out, "\xef\xbf\xbd");
			p -= length;
			continue;
		}
		unsigned char c = *p;
		const char *at = c ? strchr("\"\"\\\\\bb\tt\nn\ff\rr", c) : nullptr;
		if (length == 2 && c == 0xc2 && p[1] < 0xa0) out = put_control(out, p[1]);
		else if (length > 1) out = put(out, reinterpret_cast<const char *>(p), length);
		else if (at) {
			*out++ = '\\';
			*out++ = at[1];
		} else out = put_control(out, c);
		p += length;
	}
	return out;
}

char *put_comm(char *out, const char *comm) { return put_text(out, comm, strnlen(comm, PROCESS_COMM_BYTES)); }

// Writes a path. The kernel side walks from the file to the root, so the names come in reverse order. A deleted file is marked
// as in /proc.
char *put_exe(char *out, const char *names, size_t size, bool deleted) {
	for (size_t end = size; end > 0;) {
		size_t from = --end; // the NUL
		while (from > 0 && names[from - 1]) from--;
		*out++ = '/';
		out = put_text(out, names + from, strnlen(names + from, end - from));
		end = from;
	}
	return deleted ? put(out, " (deleted)") : out;
}

char *put_icmp(char *out, const attempt_icmp &icmp) {
	out = put(out, ",\"icmp\":\"");
	if (const char *name = icmp_name(icmp)) out = put_string(out, name);
	else out = put_number(put(put_number(put(out, "type-"), icmp.type), "-code-"), icmp.code);
	out = put_address(put(out, "\",\"icmp_from\":\""), icmp.from, icmp.family);
	return put(out, "\"");
}

uint64_t micros(uint64_t from_ns, uint64_t to_ns) { return to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0; }

// Returns a number that every reader of JSON can represent: 0 instead of one that is too large to be right.
uint64_t exact(uint64_t number) { return number <= kMaxExact ? number : 0; }

char *put_number(char *out, const char *key, uint64_t number) {
	out = put_string(put(out, ",\""), key);
	return put_number(put(out, "\":"), number);
}

char *put_error(char *out, int error) {
	out = put_number(put(out, ",\"errno\":"), error);
	out = put(out, ",\"error\":\"");
	if (const char *name = strerrorname_np(error)) out = put_string(out, name);
	else out = put_number(put(out, "E"), error);
	return put(out, "\"");
}

} // namespace

char *put_address(char *out, const uint8_t *address, int family) {
	if (family == 4) {
		for (int i = 0; i < 4; i++, *out++ = '.') out = put_number(out, address[i]);
		return out - 1;
	}
	// inet_ntop is RFC 5952: shortest form, lower case
	inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
	return out + strlen(out);
}

char *Format::process(char *out, const ::process &who, bool parent) {
	out = put_number(put(out, ",\"pid\":"), who.pid);
	if (who.nspid) out = put_number(put(out, ",\"nspid\":"), who.nspid);
	out = put_number(put(out, ",\"tid\":"), who.tid);
	if (parent) out = put_number(put(out, ",\"ppid\":"), who.ppid);
	out = put_number(put(out, ",\"uid\":"), who.uid);
	if (parent) out = put_number(put(out, ",\"gid\":"), who.gid);
	out = put_comm(put(out, ",\"comm\":\""), who.comm);
	out = put_comm(put(out, "\",\"pcomm\":\""), who.pcomm);
	if (who.exe_size > 0 && who.exe_size <= PROCESS_EXE_BYTES)
		out = put_exe(put(out, "\",\"exe\":\""), who.exe, who.exe_size, who.exe_deleted);
	return put(out, "\"");
}

char *Format::cgroup(char *out, const ::process &who) {
	if (who.cgroup == 0 || (who.cgroup == 1 && !cgroup2_)) return out;
	out = put_number(put(out, ",\"cgroup\":\""), who.cgroup);
	return put(out, "\"");
}

char *Format::time(char *out, uint64_t boot_ns) {
	int64_t ns = static_cast<int64_t>(boot_ns + static_cast<uint64_t>(offset_)); // wraps instead of overflowing
	int64_t second = ns / 1000000000, micros = ns % 1000000000 / 1000;
	if (ns < 0) second = micros = 0; // a clock before 1970
	if (second != second_) {
		time_t t = second;
		tm utc;
		gmtime_r(&t, &utc);
		strftime(text_, sizeof text_, "%Y-%m-%dT%H:%M:%S.", &utc);
		second_ = second;
	}
	out = put(out, text_, 20);
	for (int i = 5; i >= 0; i--, micros /= 10) out[i] = '0' + micros % 10;
	return put(out + 6, "Z");
}

char *Format::attempt(char *out, const attempt_event &event, uint64_t seq, const Delta *delta) {
	const attempt_endpoints &endpoints = event.endpoints;
	const bool life = event.kind == ATTEMPT_CLOSED || event.kind == ATTEMPT_OPEN;
	const bool connect = event.kind != ATTEMPT_OUTCOME && event.kind != ATTEMPT_PENDING && !life;
	out = put_string(put(out, "{\"type\":\""), type_name(event));
	out = put_number(put(out, "\",\"v\":1,\"seq\":"), seq);
	out = time(put(out, ",\"ts\":\""), connect ? event.start_ns : event.time_ns);
	if (!connect && !(life && event.start_ns == 0)) out = time(put(out, "\",\"start\":\""), event.start_ns);
	out = put_number(put(out, "\",\"id\":\""), event.id);
	out = put(out, "\"");
	if (event.process.pid || connect) out = process(out, event.process, true); // one from before the start may have no process
	out = put_number(put(out, ",\"netns\":"), event.netns);
	out = cgroup(out, event.process);
	out = put(out, ",\"family\":");
	*out++ = endpoints.family == 4 ? '4' : '6';
	if (endpoints.v4mapped) out = put(out, ",\"v4mapped\":true");
	if (!is_zero(endpoints.saddr)) {
		out = put_address(put(out, ",\"saddr\":\""), endpoints.saddr, endpoints.family);
		out = put(out, "\"");
	}
	if (endpoints.sport) out = put_number(put(out, ",\"sport\":"), endpoints.sport);
	out = put_address(put(out, ",\"daddr\":\""), endpoints.daddr, endpoints.family);
	out = put_number(put(out, "\",\"dport\":"), endpoints.dport);
	out = put_string(put(out, ",\"via\":\""), via_name(event.via));
	out = put(out, "\"");
	if (life) return put(connection(out, event, delta), "}\n");
	if (!connect) {
		out = put_string(put(out, ",\"result\":\""), result_name(event));
		out = put(out, "\"");
	}
	if (event.kind != ATTEMPT_PENDING && event.error > 0 && event.error <= kMaxError) out = put_error(out, event.error);
	if (!connect) {
		if (event.icmp.family && !event.established) out = put_icmp(out, event.icmp);
		out = put_number(out, event.kind == ATTEMPT_PENDING ? "waited_us" : "latency_us", micros(event.start_ns, event.time_ns));
		if (event.retransmits) out = put_number(put(out, ",\"retransmits\":"), event.retransmits);
		out = dropped(out, event.dropped);
		if (event.existing) out = put(out, ",\"existing\":true");
	}
	return put(out, "}\n");
}

char *Format::connection(char *out, const attempt_event &event, const Delta *delta) {
	const attempt_life &life = event.life;
	if (event.kind == ATTEMPT_CLOSED) {
		out = put_string(put(out, ",\"closed_by\":\""), closed_by_name(life.closed_by));
		out = put(out, "\"");
		if (life.exiting) out = put(out, ",\"exiting\":true");
		if (event.error > 0 && event.error <= kMaxError) out = put_error(out, event.error);
	}
	if (event.start_ns && life.established_ns) out = put_number(out, "latency_us", micros(event.start_ns, life.established_ns));
	if (event.retransmits) out = put_number(out, "retransmits", event.retransmits);
	if (life.established_ns) out = put_number(out, "duration_us", micros(life.established_ns, event.time_ns));
	out = put_number(out, "bytes_sent", exact(life.bytes_sent));
	out = put_number(out, "bytes_received", exact(life.bytes_received));
	if (delta) {
		out = put_number(out, "sent_delta", exact(delta->sent));
		out = put_number(out, "received_delta", exact(delta->received));
	}
	if (life.segs_retransmitted) out = put_number(out, "segs_retransmitted", life.segs_retransmitted);
	if (life.srtt_us) out = put_number(out, "srtt_us", life.srtt_us);
	if (life.min_rtt_us) out = put_number(out, "min_rtt_us", life.min_rtt_us);
	out = dropped(out, event.dropped);
	return event.existing ? put(out, ",\"existing\":true") : out;
}

char *Format::dropped(char *out, const attempt_dropped &dropped) {
	if (!dropped.count || !drop_names_) return out;
	out = put_string(put(out, ",\"drop_reason\":\""), drop_names_->reason(dropped.reason).c_str());
	out = put_number(put(out, "\""), "drop_count", dropped.count);
	const char *place = drop_names_->place(dropped.at);
	return place ? put(put_string(put(out, ",\"drop_at\":\""), place), "\"") : out;
}

char *Format::lost(char *out, uint64_t boot_ns, const char *where, uint64_t count) {
	out = time(put(out, "{\"type\":\"lost\",\"v\":1,\"ts\":\""), boot_ns);
	out = put_string(put(out, "\",\"stage\":\"collector\",\"where\":\""), where);
	out = put_number(put(out, "\",\"count\":"), count);
	return put(out, "}\n");
}

} // namespace synpipe
