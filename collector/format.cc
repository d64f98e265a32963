// SPDX-License-Identifier: MIT
#include "format.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>

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

char *put_address(char *out, const __u8 *address, int family) {
	if (family == 4) {
		for (int i = 0; i < 4; i++, *out++ = '.') out = put_number(out, address[i]);
		return out - 1;
	}
	// inet_ntop is RFC 5952: shortest form, lower case
	inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
	return out + strlen(out);
}

bool is_zero(const __u8 *address) {
	static const __u8 zero[16] = {};
	return memcmp(address, zero, sizeof zero) == 0;
}

// The length of the valid UTF-8 character at `p`, or minus that of the maximal invalid part, as TextDecoder
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

// What stands in a string as it is.
bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

// Names are any bytes that somebody chose: what a terminal would obey is escaped, C1 controls included.
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

char *put_comm(char *out, const char *comm) { return put_text(out, comm, strnlen(comm, ATTEMPT_COMM_BYTES)); }

// The kernel walks from the file to the root, so the names come in the opposite order. Marked as /proc does.
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

const char *result_name(const attempt_event &event) {
	if (event.established) return "established";
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

char *put_error(char *out, int error) {
	out = put_number(put(out, ",\"errno\":"), error);
	out = put(out, ",\"error\":\"");
	if (const char *name = strerrorname_np(error)) out = put_string(out, name);
	else out = put_number(put(out, "E"), error);
	return put(out, "\"");
}

} // namespace

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
	const attempt_ends &ends = event.ends;
	const bool outcome = event.kind == ATTEMPT_OUTCOME;
	out = put_string(put(out, "{\"type\":\""), outcome ? "outcome" : "connect");
	out = put_number(put(out, "\",\"v\":1,\"seq\":"), seq);
	out = time(put(out, ",\"ts\":\""), event.time_ns);
	out = put_number(put(out, "\",\"id\":\""), event.id);
	out = put_number(put(out, "\",\"pid\":"), event.pid);
	out = put_number(put(out, ",\"tid\":"), event.tid);
	out = put_number(put(out, ",\"ppid\":"), event.ppid);
	out = put_number(put(out, ",\"uid\":"), event.uid);
	out = put_number(put(out, ",\"gid\":"), event.gid);
	out = put_comm(put(out, ",\"comm\":\""), event.comm);
	out = put_comm(put(out, "\",\"pcomm\":\""), event.pcomm);
	if (event.exe_size > 0 && event.exe_size <= ATTEMPT_EXE_BYTES)
		out = put_exe(put(out, "\",\"exe\":\""), event.exe, event.exe_size, event.exe_deleted);
	out = put_number(put(out, "\",\"netns\":"), event.netns);
	if (event.cgroup > 1 || (event.cgroup == 1 && cgroup2_)) {
		out = put_number(put(out, ",\"cgroup\":\""), event.cgroup);
		out = put(out, "\"");
	}
	out = put(out, ",\"family\":");
	*out++ = ends.family == 4 ? '4' : '6';
	if (ends.v4mapped) out = put(out, ",\"v4mapped\":true");
	if (!is_zero(ends.saddr)) {
		out = put_address(put(out, ",\"saddr\":\""), ends.saddr, ends.family);
		out = put(out, "\"");
	}
	if (ends.sport) out = put_number(put(out, ",\"sport\":"), ends.sport);
	out = put_address(put(out, ",\"daddr\":\""), ends.daddr, ends.family);
	out = put_number(put(out, "\",\"dport\":"), ends.dport);
	out = put_string(put(out, ",\"via\":\""), via_name(event.via));
	out = put(out, "\"");
	if (outcome) {
		out = put_string(put(out, ",\"result\":\""), result_name(event));
		out = put(out, "\"");
	}
	if (event.error > 0 && event.error <= kMaxError) out = put_error(out, event.error);
	if (outcome) {
		uint64_t latency = event.time_ns > event.start_ns ? event.time_ns - event.start_ns : 0;
		out = put_number(put(out, ",\"latency_us\":"), latency / 1000);
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
