/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the steps need of a socket, read at once, since every read of kernel memory costs a call. */
#ifndef SYNPIPE_SOCK_BPF_H
#define SYNPIPE_SOCK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"

/* The beginning of a socket, as far as the last field that is read, skc_cookie; more than that in no kernel so far. */
struct sock_copy {
	__u64 words[17];
};

/* To be used as the socket itself: offsets are the running kernel's. All zero where it could not be read. */
static __always_inline const struct sock_common *copy_sock(struct sock_copy *copy, const struct sock *sk)
{
	__u64 size = bpf_core_field_offset(struct sock_common, skc_cookie) + sizeof(__u64);

	bpf_probe_read_kernel(copy, size < sizeof(*copy) ? size : sizeof(*copy), sk);
	return (const struct sock_common *)copy;
}

/*
 * A field of something that an entry was given. Where the verifier knows its type, that is a plain load; what was kept
 * in a map has lost it.
 */
#ifdef ENTRIES_ARE_TYPED
#define READ_GIVEN(from, field) ((from)->field)
#else
#define READ_GIVEN(from, field) BPF_CORE_READ(from, field)
#endif

/* The same for a struct socket that an entry was given: as far as its sk. */
struct socket_copy {
	__u64 words[4];
};

static __always_inline const struct socket *given_socket(struct socket_copy *copy, const struct socket *socket)
{
#ifdef ENTRIES_ARE_TYPED
	(void)copy;
	return socket;
#else
	bpf_probe_read_kernel(copy, sizeof(*copy), socket);
	return (const struct socket *)copy;
#endif
}

static __always_inline __u32 netns_of(const struct sock_common *sk)
{
	return BPF_CORE_READ(sk->skc_net.net, ns.inum);
}

#endif
