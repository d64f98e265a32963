/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Reads the endpoints of a connection: from the address that the caller passed, and from the socket. */
#ifndef SYNPIPE_ENDPOINTS_BPF_H
#define SYNPIPE_ENDPOINTS_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "kernel.h"

/* Whether an IPv6 address is ::ffff:a.b.c.d. */
static __always_inline bool is_mapped(const __u8 *address)
{
	const __u32 *word = (const __u32 *)address;

	return word[0] == 0 && word[1] == 0 && word[2] == bpf_htonl(0xffff);
}

static __always_inline void copy_address(__u8 *to, const __u8 *from, bool v4)
{
	__u32 *t = (__u32 *)to;
	const __u32 *f = (const __u32 *)from;

	t[0] = f[0];
	t[1] = v4 ? 0 : f[1];
	t[2] = v4 ? 0 : f[2];
	t[3] = v4 ? 0 : f[3];
}

static __always_inline void set_destination6(struct attempt_endpoints *endpoints, const __u8 *address)
{
	bool mapped = is_mapped(address);

	endpoints->family = mapped ? 4 : 6;
	endpoints->v4mapped = mapped;
	copy_address(endpoints->daddr, mapped ? address + 12 : address, mapped);
}

/* A sockaddr as the caller passes it; an IPv6 one may lack the scope id. */
struct address {
	__u16 family;
	__be16 port;
	__u8 v4[4]; /* IPv6: the flow label */
	__u8 v6[16];
} __attribute__((aligned(8)));

/*
 * Returns false if there are too few bytes for an address, or if its family is another one: that includes AF_UNSPEC, which
 * disconnects, and an address that could not be read.
 */
static __always_inline bool is_destination(const struct address *address, __u32 addrlen)
{
	return (address->family == AF_INET && addrlen >= 8) || (address->family == AF_INET6 && addrlen >= sizeof(*address));
}

/* Leaves `family` 0 if the address is not a destination. */
static __always_inline void parse_destination(struct attempt_endpoints *to, const struct address *address, __u32 addrlen)
{
	if (!is_destination(address, addrlen))
		return;
	if (address->family == AF_INET) {
		to->family = 4;
		copy_address(to->daddr, address->v4, true);
	} else {
		set_destination6(to, address->v6);
	}
	to->dport = bpf_ntohs(address->port);
}

/*
 * Returns false, and leaves the address all zero, if it could not be read: the pointer is bad, or the page is not in memory
 * yet. `kernel`: `from` is the kernel's own copy of the address, in a sockaddr_storage.
 */
static __always_inline bool read_address(struct address *address, __u64 from, __u32 addrlen, bool kernel)
{
	/* Two fixed sizes cover every case, and leave the verifier no range to track. */
	if (kernel)
		return !bpf_probe_read_kernel(address, sizeof(*address), (const void *)from);
	if (addrlen < sizeof(*address))
		return !bpf_probe_read_user(address, 8, (const void *)from);
	return !bpf_probe_read_user(address, sizeof(*address), (const void *)from);
}

/* Reads the source: zero (unknown) until the kernel has chosen it. endpoints->family must be set. */
static __always_inline void read_source(struct attempt_endpoints *endpoints, const struct sock_common *sk)
{
	const __u8 *v6 = sk->skc_v6_rcv_saddr.in6_u.u6_addr8;

	endpoints->sport = sk->skc_num;
	if (sk->skc_family == AF_INET6) {
		if (endpoints->family == 6)
			copy_address(endpoints->saddr, v6, false);
		else if (is_mapped(v6))
			copy_address(endpoints->saddr, v6 + 12, true);
	} else if (endpoints->family == 4) {
		copy_address(endpoints->saddr, (const __u8 *)&sk->skc_rcv_saddr, true);
	}
}

/*
 * Reads both endpoints from the socket, which has its destination from SYN_SENT on: a cgroup program may have replaced the
 * caller's.
 */
static __always_inline void read_endpoints(struct attempt_endpoints *endpoints, const struct sock_common *sk)
{
	if (sk->skc_dport) {
		endpoints->dport = bpf_ntohs(sk->skc_dport);
		if (sk->skc_family == AF_INET6) {
			set_destination6(endpoints, sk->skc_v6_daddr.in6_u.u6_addr8);
		} else {
			endpoints->family = 4;
			endpoints->v4mapped = 0;
			copy_address(endpoints->daddr, (const __u8 *)&sk->skc_daddr, true);
		}
	}
	read_source(endpoints, sk);
}

#endif
