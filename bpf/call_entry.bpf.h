/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Handles the entry of a call that may start an attempt. Thread context. */
#ifndef SYNPIPE_CALL_ENTRY_BPF_H
#define SYNPIPE_CALL_ENTRY_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "endpoints.bpf.h"
#include "filter.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/* What a call was given. `address` points to the caller's memory or, if `kernel` is set, to the kernel's copy. */
struct call_arguments {
	__u64 address;
	int addrlen;
	bool kernel;
	__u8 entry; /* enum call_entry */
};

static __always_inline __u64 attempt_id(__u64 cookie, __u64 start_ns)
{
	if (cookie)
		return cookie;
	return 1ULL << 63 | (start_ns & ((1ULL << 53) - 1)) << 10 | (bpf_get_smp_processor_id() & 1023);
}

/*
 * Returns the socket of a socket's file. For any other file, returns NULL or a pointer to something else; if that happens to
 * look like a socket, was_attempt recognizes the call by its error when it returns. Checking the file here would slow down
 * every call.
 */
static __always_inline struct socket *socket_of(struct file *file)
{
#ifdef ENTRIES_ARE_TYPED
	return bpf_sock_from_file(file);
#else
	return BPF_CORE_READ(file, private_data);
#endif
}

/* Ends a call whose return no program saw. It is counted as lost, unless look_at_open will find its entry. */
static __always_inline void end_unseen(struct call *call)
{
	if (end_call(call) && !call->kept)
		drop(ATTEMPT_DROP_TABLE);
}

static __always_inline void start_call(struct call *call, struct sock *sk)
{
	call->cookie = 0;
	call->start_ns = bpf_ktime_get_boot_ns();
	call->sk = sk;
	call->flow = NULL;
	call->uaddr = 0;
	call->addrlen = 0;
	call->to = (struct attempt_endpoints){};
	call->netns = 0;
	call->via = ATTEMPT_VIA_CONNECT;
	call->mptcp = false;
	call->kept = false;
	call->counted = false;
}

static __always_inline void call_entered(struct socket *given, const struct call_arguments *from, enum attempt_via via)
{
	struct address address = {};
	struct socket_copy buffer;
	const struct socket *socket = given_socket(&buffer, given);
	struct sock *sk = socket->sk;
	struct call *call;
	__u16 protocol;
	bool legible;

	/* Only calls that start an attempt matter, not those that check whether an earlier attempt has completed. */
	if (!sk || socket->state != SS_UNCONNECTED || socket->type != SOCK_STREAM)
		return;
	protocol = READ_GIVEN(sk, sk_protocol);
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return;
	/* The address is too short for any destination, or so long that the kernel rejects it unread. */
	if (from->addrlen < 8 || from->addrlen > SOCKADDR_MAX || !task_wanted() || !netns_wanted(sk))
		return;
	legible = read_address(&address, from->address, from->addrlen, from->kernel);
	/* An address that could not be read here may still be readable for the kernel itself. */
	if (legible && !is_destination(&address, from->addrlen))
		return;
	call = bpf_task_storage_get(&calls, current(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* A nested call, such as the kernel's own inside an application's connect(): the outer one is the attempt. */
	if (call && call->entry == CALL_CONNECT && from->entry != CALL_CONNECT)
		return;
	if (!call) {
		drop(ATTEMPT_DROP_TABLE);
		return;
	}
	end_unseen(call);
	start_call(call, sk);
	call->uaddr = from->address;
	call->addrlen = from->addrlen;
	parse_destination(&call->to, &address, from->addrlen);
	call->mptcp = protocol == IPPROTO_MPTCP;
	call->via = via == ATTEMPT_VIA_CONNECT && call->mptcp ? ATTEMPT_VIA_MPTCP : via;
	call->entry = from->entry;
}

#endif
