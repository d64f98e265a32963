/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A call that may make an attempt is about to run. Thread context. */
#ifndef SYNPIPE_BEGIN_BPF_H
#define SYNPIPE_BEGIN_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "ends.bpf.h"
#include "filter.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/* `address` is the caller's, or the kernel's copy of it. */
struct begin {
	__u64 address;
	int addrlen;
	bool kernel;
	__u8 entry; /* enum call_entry */
};

static __always_inline __u64 attempt_id(const struct sock_common *sk, __u64 start_ns)
{
	__u64 cookie = sk->skc_cookie.counter;

	if (cookie)
		return cookie;
	return 1ULL << 63 | (start_ns & ((1ULL << 53) - 1)) << 10 | (bpf_get_smp_processor_id() & 1023);
}

/* The socket behind a file that belongs to one; NULL for all others. */
static __always_inline struct socket *socket_of(struct file *file)
{
#ifdef ENTRIES_ARE_TYPED
	return bpf_sock_from_file(file);
#else
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return BPF_CORE_READ(file, private_data);
#endif
}

/* Only calls that start an attempt: not those that poll for the end of one. */
static __always_inline bool starts_attempt(const struct sock_common *sk, enum socket_state state)
{
	return (sk->skc_family == AF_INET || sk->skc_family == AF_INET6) && sk->skc_state == TCP_CLOSE &&
	       state == SS_UNCONNECTED;
}

static __always_inline void attempt_begin(struct socket *socket, const struct begin *from, enum attempt_via via)
{
	struct sock *sk = READ_GIVEN(socket, sk);
	struct attempt_ends to = {};
	const struct sock_common *common;
	struct sock_copy buffer;
	struct call *call;
	__u16 protocol;

	if (!sk)
		return;
	common = given_sock(&buffer, sk);
	if (!starts_attempt(common, READ_GIVEN(socket, state)))
		return;
	protocol = READ_GIVEN(sk, sk_protocol);
	if (READ_GIVEN(sk, sk_type) != SOCK_STREAM || (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP))
		return;
	/* Too short for any destination, or so long that the kernel does not even look. */
	if (from->addrlen < 8 || from->addrlen > SOCKADDR_MAX || !task_wanted() || !netns_wanted(common))
		return;
	/* The address may have no destination; but if it could not be read, the kernel itself may yet. */
	if (read_destination(&to, from->address, from->addrlen, from->kernel) && !to.family)
		return;
	call = bpf_task_storage_get(&calls, current(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* One in another, as the kernel's own in an application's: the outer one tells. */
	if (call && call->entry == CALL_CONNECT && from->entry != CALL_CONNECT)
		return;
	/* Left from a call whose end was not seen: that one is the loss, this one takes its place. */
	if (!call || call->entry)
		drop_attempt();
	if (!call)
		return;
	call->start_ns = bpf_ktime_get_boot_ns();
	call->id = attempt_id(common, call->start_ns);
	call->sk = sk;
	call->flow = NULL;
	call->uaddr = from->address;
	call->addrlen = from->addrlen;
	call->to = to;
	call->mptcp = protocol == IPPROTO_MPTCP;
	call->via = via == ATTEMPT_VIA_CONNECT && call->mptcp ? ATTEMPT_VIA_MPTCP : via;
	call->entry = from->entry;
}

#endif
