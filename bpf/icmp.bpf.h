/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* An ICMP error answers a SYN: which, and who sent it. Any context: never look at the current task. */
#ifndef SYNPIPE_ICMP_BPF_H
#define SYNPIPE_ICMP_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ends.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"

#define IP4_SOURCE 12 /* offsets in a packet's head */
#define IP6_SOURCE 8
/* An end that comes later has another cause, such as a reset: the answer to a SYN that was sent again, a second later. */
#define ICMP_IS_CAUSE_NS 100000000

/* Who sent a packet, by its IP header. */
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
 * The kernel has put an error into a socket's queue; with IPv4 each ICMP error passes here, while the socket's own errno is
 * not set yet, and stays so if a call holds the socket. With IPv6 only if the application asked for it (IPV6_RECVERR).
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
	if ((void *)skb == (void *)sk + bpf_core_field_offset(struct sock, sk_error_queue)) /* it is empty */
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

/* The last one on a CPU. Inserted by attempt_icmp6, read by take_icmp6, in the same interrupt. */
struct icmp6 {
	__u64 time_ns;
	struct attempt_icmp icmp;
	__be16 sport; /* of the SYN */
	__be16 dport;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct icmp6);
} last_icmp6 SEC(".maps");

/* tcp_v6_err(skb, opt, type, code, offset, info): skb's data is the packet that is answered, its TCP head at `offset`. */
static __always_inline void attempt_icmp6(const struct sk_buff *skb, __u8 type, __u8 code, int offset)
{
	__u32 key = 0;
	struct icmp6 *last = bpf_map_lookup_elem(&last_icmp6, &key);
	__be16 ports[2];

	if (!last || bpf_probe_read_kernel(ports, sizeof(ports), BPF_CORE_READ(skb, data) + offset))
		return;
	last->time_ns = bpf_ktime_get_boot_ns();
	last->sport = ports[0];
	last->dport = ports[1];
	last->icmp.type = type;
	last->icmp.code = code;
	read_sender(&last->icmp, skb, 6);
}

/* The socket has just got an error: if it is by the ICMP error of this moment, that is its cause. */
static __always_inline void take_icmp6(struct attempt *attempt)
{
	__u32 key = 0;
	struct icmp6 *last;

	if (attempt->left.family != 6)
		return;
	last = bpf_map_lookup_elem(&last_icmp6, &key);
	if (!last || !last->icmp.family || attempt->left_ns - last->time_ns > ICMP_IS_CAUSE_NS)
		return;
	if (bpf_ntohs(last->sport) != attempt->left.sport || bpf_ntohs(last->dport) != attempt->left.dport)
		return;
	attempt->icmp_ns = last->time_ns;
	attempt->event.icmp = last->icmp;
	attempt->event.icmp.error = attempt->left_error;
}

#else

static __always_inline void take_icmp6(struct attempt *attempt __attribute__((unused))) {}

#endif

#endif
