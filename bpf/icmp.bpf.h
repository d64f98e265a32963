/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Records the ICMP error that answers a SYN, and who sent it. Any context: the current task may have nothing to do with it. */
#ifndef SYNPIPE_ICMP_BPF_H
#define SYNPIPE_ICMP_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "endpoints.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"

#define IP4_SOURCE 12 /* offsets in an IP header */
#define IP6_SOURCE 8
#define IP6_DESTINATION 24
/* If the attempt ends later than this after the error, it has another cause, such as a reset that answers a retransmitted SYN. */
#define ICMP_IS_CAUSE_NS 100000000

/* Reads the sender of a packet from its IP header. */
static __always_inline void read_sender(struct attempt_icmp *icmp, const struct sk_buff *skb, __u8 family)
{
	const unsigned char *head = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);

	icmp->family = family;
	if (family == 4)
		bpf_probe_read_kernel(icmp->from, 4, head + IP4_SOURCE);
	else
		bpf_probe_read_kernel(icmp->from, 16, head + IP6_SOURCE);
}

/*
 * Runs when the kernel has put an error into a socket's error queue. With IPv4 it does that for each ICMP error, before it
 * sets the socket's errno (which it does not set if a call holds the socket). With IPv6 it does that only if the application
 * asked for it (IPV6_RECVERR).
 */
static __always_inline void attempt_icmp4(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct attempt *attempt;
	struct attempt_icmp icmp = {};
	struct sk_buff *skb;
	struct sock_extended_err error = {};

	if (!any_open() || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT)
		return;
	attempt = bpf_map_lookup_elem(&attempts, &key);
	if (!attempt || attempt->flags & ATTEMPT_LEFT)
		return;
	skb = BPF_CORE_READ(sk, sk_error_queue.prev);
	if ((void *)skb == (void *)sk + bpf_core_field_offset(struct sock, sk_error_queue)) /* the queue is empty */
		return;
	if (bpf_probe_read_kernel(&error, sizeof(error),
				  (void *)skb + bpf_core_field_offset(struct sk_buff, cb) +
					  bpf_core_field_offset(struct sock_exterr_skb, ee)))
		return;
	if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6)
		return;
	icmp.error = error.ee_errno;
	icmp.type = error.ee_type;
	icmp.code = error.ee_code;
	read_sender(&icmp, skb, error.ee_origin == SO_EE_ORIGIN_ICMP ? 4 : 6);
	attempt->icmp_ns = bpf_ktime_get_boot_ns();
	attempt->event.icmp = icmp;
}

#ifdef SEES_ICMP6

/* Identifies the SYN that was answered: fields of its packet, in network order. */
struct icmp6_key {
	__u8 daddr[16];
	__be16 sport;
	__be16 dport;
};

struct icmp6 {
	__u64 time_ns;
	struct attempt_icmp icmp;
};

/*
 * Inserted by attempt_icmp6, read by take_icmp6. LRU, since an error is only needed within the same interrupt or, if a call
 * holds the socket, until the pending line.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct icmp6_key);
	__type(value, struct icmp6);
} icmp6s SEC(".maps");

/* tcp_v6_err(skb, opt, type, code, offset, info): skb's data is the packet that was answered; `offset`: of its TCP header. */
static __always_inline void attempt_icmp6(const struct sk_buff *skb, __u8 type, __u8 code, int offset)
{
	const unsigned char *packet = BPF_CORE_READ(skb, data);
	struct icmp6_key key = {};
	struct icmp6 last = {.icmp = {.type = type, .code = code}};

	if (!any_open() || bpf_probe_read_kernel(key.daddr, sizeof(key.daddr), packet + IP6_DESTINATION) ||
	    bpf_probe_read_kernel(&key.sport, 2 * sizeof(key.sport), packet + offset))
		return;
	last.time_ns = bpf_ktime_get_boot_ns();
	read_sender(&last.icmp, skb, 6);
	bpf_map_update_elem(&icmp6s, &key, &last, BPF_ANY);
}

/* Takes the ICMP error that has answered a SYN between these endpoints since `since_ns`. Returns false if none has. */
static __always_inline bool take_icmp6(struct attempt *attempt, const struct attempt_endpoints *endpoints, __u64 since_ns)
{
	struct icmp6_key key = {.sport = bpf_htons(endpoints->sport), .dport = bpf_htons(endpoints->dport)};
	struct icmp6 *last;

	if (endpoints->family != 6)
		return false;
	copy_address(key.daddr, endpoints->daddr, false);
	last = bpf_map_lookup_elem(&icmp6s, &key);
	if (!last || last->time_ns < since_ns)
		return false;
	attempt->icmp_ns = last->time_ns;
	attempt->event.icmp = last->icmp;
	return true;
}

#else

static __always_inline bool take_icmp6(struct attempt *attempt __attribute__((unused)),
				       const struct attempt_endpoints *endpoints __attribute__((unused)),
				       __u64 since_ns __attribute__((unused)))
{
	return false;
}

#endif

#endif
