/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Records in a socket which process asks a DNS server, since a packet does not show it. */
#ifndef SYNPIPE_DNS_ASKER_BPF_H
#define SYNPIPE_DNS_ASKER_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "process.bpf.h"

#define PORT 53
#define PASS 1

struct asked {
	struct process_room by;
	__u8 server[16];
};

/*
 * For each socket that asks a server: the server that it asked last, before any NAT, and the process that asked. If one
 * process connects the socket and another one uses it, that is the process that connected it. Inserted by note_asker; read
 * when the query or the SYN passes, a moment later in the same system call or in another one; deleted by the kernel with
 * the socket.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct asked);
} asked SEC(".maps");

/* Records that the current thread asks a server: now, or with what it will send on the socket that it is connecting. */
static __always_inline void note_asker(struct bpf_sock *sk, const __u8 *server)
{
	struct asked *kept = bpf_sk_storage_get(&asked, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!kept)
		return;
	__builtin_memcpy(kept->server, server, sizeof(kept->server));
	fill_process(&kept->by);
}

/* These two run for every TCP connect() too, so they check the port first. */
static __always_inline int note_asker4(struct bpf_sock_addr *to)
{
	__u8 server[16] = {[10] = 0xff, [11] = 0xff};
	__u32 ip4;

	if (to->user_port != bpf_htons(PORT) || !to->sk)
		return PASS;
	ip4 = to->user_ip4;
	__builtin_memcpy(server + 12, &ip4, sizeof(ip4));
	note_asker(to->sk, server);
	return PASS;
}

static __always_inline int note_asker6(struct bpf_sock_addr *to)
{
	__u32 ip6[4];

	if (to->user_port != bpf_htons(PORT) || !to->sk)
		return PASS;
	ip6[0] = to->user_ip6[0];
	ip6[1] = to->user_ip6[1];
	ip6[2] = to->user_ip6[2];
	ip6[3] = to->user_ip6[3];
	note_asker(to->sk, (const __u8 *)ip6);
	return PASS;
}

#endif
