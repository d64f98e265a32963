/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Reads what the steps need from a socket, in one go, since every read of kernel memory costs a helper call. */
#ifndef SYNPIPE_SOCK_BPF_H
#define SYNPIPE_SOCK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"

/* The head of a socket, up to skc_cookie, the last field that is read. No kernel so far needs more than this. */
struct sock_copy {
	__u64 words[17];
};

/* Copies a socket. Use the result as the socket itself: it has the running kernel's offsets. All zero if unreadable. */
static __always_inline const struct sock_common *copy_sock(struct sock_copy *copy, const struct sock *sk)
{
	__u64 size = bpf_core_field_offset(struct sock_common, skc_cookie) + sizeof(__u64);

	bpf_probe_read_kernel(copy, size < sizeof(*copy) ? size : sizeof(*copy), sk);
	return (const struct sock_common *)copy;
}

/*
 * Reads a field of an argument that an entry point was given. If the verifier knows its type, this is a plain load; a pointer
 * that was kept in a map has lost its type.
 */
#ifdef ENTRIES_ARE_TYPED
#define READ_GIVEN(from, field) ((from)->field)
#else
#define READ_GIVEN(from, field) BPF_CORE_READ(from, field)
#endif

/* The head of a struct socket that an entry point was given, up to its sk. */
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
