// SPDX-License-Identifier: MIT
#include "event_names.h"

#include <cerrno>
#include <iterator>

namespace synpipe {
namespace {

constexpr __u8 kUnreachable4 = 3, kTimeExceeded4 = 11, kParameterProblem4 = 12;
constexpr __u8 kUnreachable6 = 1, kTooBig6 = 2, kTimeExceeded6 = 3, kParameterProblem6 = 4;

// Indexed by the code of "destination unreachable".
const char *const kCodes4[] = {"net-unreachable",     "host-unreachable",  "protocol-unreachable", "port-unreachable",
							   "fragmentation-needed", "source-route-failed", "net-unknown",         "host-unknown",
							   "host-isolated",       "net-prohibited",    "host-prohibited",      "net-unreachable-for-tos",
							   "host-unreachable-for-tos", "admin-prohibited", "precedence-violation", "precedence-cutoff"};
const char *const kCodes6[] = {"no-route",         "admin-prohibited", "beyond-scope", "addr-unreachable",
							   "port-unreachable", "policy-fail",      "reject-route"};

// Whether the error reports a policy, whatever errno the kernel maps it to.
bool is_prohibition(const attempt_icmp &icmp) {
	if (icmp.family == 4) return icmp.type == kUnreachable4 && (icmp.code == 9 || icmp.code == 10 || icmp.code == 13);
	return icmp.family == 6 && icmp.type == kUnreachable6 && (icmp.code == 1 || icmp.code == 5 || icmp.code == 6);
}

} // namespace

const char *via_name(unsigned via) {
	switch (via) {
	case ATTEMPT_VIA_SENDMSG: return "sendmsg";
	case ATTEMPT_VIA_IO_URING: return "io_uring";
	case ATTEMPT_VIA_KERNEL: return "kernel";
	case ATTEMPT_VIA_MPTCP: return "mptcp";
	default: return "connect";
	}
}

const char *icmp_name(const attempt_icmp &icmp) {
	const bool v4 = icmp.family == 4;
	if (v4 && icmp.type == kUnreachable4) return icmp.code < std::size(kCodes4) ? kCodes4[icmp.code] : nullptr;
	if (!v4 && icmp.type == kUnreachable6) return icmp.code < std::size(kCodes6) ? kCodes6[icmp.code] : nullptr;
	if (icmp.type == (v4 ? kTimeExceeded4 : kTimeExceeded6)) return "time-exceeded";
	if (icmp.type == (v4 ? kParameterProblem4 : kParameterProblem6)) return "parameter-problem";
	return !v4 && icmp.type == kTooBig6 ? "packet-too-big" : nullptr;
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
	case ATTEMPT_CLOSED: return "closed";
	case ATTEMPT_OPEN: return "open";
	default: return "connect";
	}
}
const char *closed_by_name(unsigned how) {
	switch (how) {
	case ATTEMPT_CLOSED_LOCAL: return "local";
	case ATTEMPT_CLOSED_REMOTE: return "remote";
	case ATTEMPT_CLOSED_RESET_RECEIVED: return "reset_received";
	case ATTEMPT_CLOSED_TIMEOUT: return "timeout";
	case ATTEMPT_CLOSED_KILLED: return "killed";
	default: return "reset_sent";
	}
}

} // namespace synpipe
