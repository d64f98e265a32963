// SPDX-License-Identifier: MIT
#include "format.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iterator>

namespace synpipe {
namespace {

constexpr int kMaxError = 4095; // the kernel's MAX_ERRNO

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

const char *via_name(unsigned via) {
	switch (via) {
	case ATTEMPT_VIA_SENDMSG: return "sendmsg";
	case ATTEMPT_VIA_IO_URING: return "io_uring";
	case ATTEMPT_VIA_KERNEL: return "kernel";
	case ATTEMPT_VIA_MPTCP: return "mptcp";
	default: return "connect";
	}
}

constexpr __u8 kUnreachable4 = 3, kTimeExceeded4 = 11, kParameterProblem4 = 12;
constexpr __u8 kUnreachable6 = 1, kTooBig6 = 2, kTimeExceeded6 = 3, kParameterProblem6 = 4;

// Indexed by the code of "destination unreachable".
const char *const kCodes4[] = {"net-unreachable",     "host-unreachable",  "protocol-unreachable", "port-unreachable",
							   "fragmentation-needed", "source-route-failed", "net-unknown",         "host-unknown",
							   "host-isolated",       "net-prohibited",    "host-prohibited",      "net-unreachable-for-tos",
							   "host-unreachable-for-tos", "admin-prohibited", "precedence-violation", "precedence-cutoff"};
const char *const kCodes6[] = {"no-route",         "admin-prohibited", "beyond-scope", "addr-unreachable",
							   "port-unreachable", "policy-fail",      "reject-route"};

// Returns NULL for an error that has no name.
const char *icmp_name(const attempt_icmp &icmp) {
	const bool v4 = icmp.family == 4;
	if (v4 && icmp.type == kUnreachable4) return icmp.code < std::size(kCodes4) ? kCodes4[icmp.code] : nullptr;
	if (!v4 && icmp.type == kUnreachable6) return icmp.code < std::size(kCodes6) ? kCodes6[icmp.code] : nullptr;
	if (icmp.type == (v4 ? kTimeExceeded4 : kTimeExceeded6)) return "time-exceeded";
	if (icmp.type == (v4 ? kParameterProblem4 : kParameterProblem6)) return "parameter-problem";
	return !v4 && icmp.type == kTooBig6 ? "packet-too-big" : nullptr;
}

// Whether the error reports somebody's policy, whatever errno the kernel maps it to.
bool is_prohibition(const attempt_icmp &icmp) {
	if (icmp.family == 4) return icmp.type == kUnreachable4 && (icmp.code == 9 || icmp.code == 10 || icmp.code == 13);
	return icmp.family == 6 && icmp.type == kUnreachable6 && (icmp.code == 1 || icmp.code == 5 || icmp.code == 6);
}

const char *result_name(const attempt_event &event) {
	if (event.kind == ATTEMPT_PENDING) return "pending";
	if (event.established) return "established";
	if (is_prohibition(event.icmp)) return "denied";
	switch (event.error) {
	case 0: // the application closed it, or was killed
	case ECONNABORTED: return "aborted";
	case ECONNREFUSED: return "refused";
	case ETIMEDOUT: return "timeout";
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENONET: return "unreachable";
	case ECONNRESET: return "reset";
	case EPERM:
	case EACCES: return "denied";
	default: return "error";
	}
}

const char *type_name(const attempt_event &event) {
	switch (event.kind) {
	case ATTEMPT_OUTCOME: return "outcome";
	case ATTEMPT_PENDING: return "pending";
	default: return "connect";
	}
}

char *put_icmp(char *out, const attempt_icmp &icmp) {
	out = put(out, ",\"icmp\":\"");
	if (const char *name = icmp_name(icmp)) out = put_string(out, name);
	else out = put_number(put(put_number(put(out, "type-"), icmp.type), "-code-"), icmp.code);
	out = put_address(put(out, "\",\"icmp_from\":\""), icmp.from, icmp.family);
	return put(out, "\"");
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

char *Format::attempt(char *out, const attempt_event &event, uint64_t seq) {
	const attempt_endpoints &endpoints = event.endpoints;
	const bool connect = event.kind != ATTEMPT_OUTCOME && event.kind != ATTEMPT_PENDING;
	out = put_string(put(out, "{\"type\":\""), type_name(event));
	out = put_number(put(out, "\",\"v\":1,\"seq\":"), seq);
	out = time(put(out, ",\"ts\":\""), connect ? event.start_ns : event.time_ns);
	if (!connect) out = time(put(out, "\",\"start\":\""), event.start_ns);
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
	if (!connect) {
		out = put_string(put(out, ",\"result\":\""), result_name(event));
		out = put(out, "\"");
	}
	if (event.kind != ATTEMPT_PENDING && event.error > 0 && event.error <= kMaxError) out = put_error(out, event.error);
	if (!connect) {
		if (event.icmp.family && !event.established) out = put_icmp(out, event.icmp);
		uint64_t took = event.time_ns > event.start_ns ? event.time_ns - event.start_ns : 0;
		out = put_string(out, event.kind == ATTEMPT_PENDING ? ",\"waited_us\":" : ",\"latency_us\":");
		out = put_number(out, took / 1000);
		if (event.retransmits) out = put_number(put(out, ",\"retransmits\":"), event.retransmits);
		if (event.existing) out = put(out, ",\"existing\":true");
	}
	return put(out, "}\n");
}

char *Format::lost(char *out, uint64_t boot_ns, const char *where, uint64_t count) {
	out = time(put(out, "{\"type\":\"lost\",\"v\":1,\"ts\":\""), boot_ns);
	out = put_string(put(out, "\",\"stage\":\"collector\",\"where\":\""), where);
	out = put_number(put(out, "\",\"count\":"), count);
	return put(out, "}\n");
}

} // namespace synpipe
