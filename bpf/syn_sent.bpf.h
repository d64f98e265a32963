/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Handles a socket that goes from CLOSE to SYN_SENT. Thread context. */
#ifndef SYNPIPE_SYN_SENT_BPF_H
#define SYNPIPE_SYN_SENT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "call_entry.bpf.h"
#include "endpoints.bpf.h"
#include "filter.bpf.h"
#include "left.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/*
 * Records what the return of the call will report but can no longer read: a call that failed has cleared most of it by then.
 * Returns false if the filters reject the destination.
 */
static __always_inline bool syn_sent_in_call(struct call *call, struct sock *sk, const struct sock_common *common)
{
	struct sock *outer = call->sk;

	read_endpoints(&call->to, common);
	if (!endpoints_wanted(&call->to)) {
		end_call(call);
		return false;
	}
	call->cookie = call->mptcp ? BPF_CORE_READ(outer, __sk_common.skc_cookie.counter) : common->skc_cookie.counter;
	call->netns = netns_of(common);
	call->flow = sk;
	if (!outlives_call(call)) {
		call->counted = true;
		add(&counters.calls, 1);
	}
	return true;
}

/*
 * Returns the call that sent this SYN, if its entry was not seen or was recorded for another socket: because another thread
 * changed the address or the descriptor before the kernel read it, or because the entry program was busy. If the record has a
 * flow, it is of an earlier call whose return was not seen either.
 */
static __always_inline struct call *late_call(struct sock *sk)
{
	struct call *call = bpf_task_storage_get(&calls, current(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!call)
		return NULL;
	if (!call->entry || call->flow)
		add(&counters.late, 1);
	if (call->flow)
		end_unseen(call);
	start_call(call, sk);
	call->entry = CALL_CONNECT;
	return call;
}

/*
 * Deletes an earlier entry for this address: an attempt that has been reported, or one of which no program saw the return, which
 * is reported now, or the end, which is a loss.
 */
static __always_inline void forget_earlier(__u64 key)
{
	struct attempt *earlier = any_open() ? bpf_map_lookup_elem(&attempts, &key) : NULL;
	__u32 flags;

	if (!earlier)
		return;
	flags = __sync_fetch_and_or(&earlier->flags, ATTEMPT_RETURNED);
	if (flags & ATTEMPT_LEFT && !(flags & ATTEMPT_RETURNED)) {
		report_unseen(key, earlier);
		return;
	}
	if (!(flags & ATTEMPT_LEFT))
		drop(ATTEMPT_DROP_TABLE);
	forget(key);
}

/* Returns when the first pending line is due. */
static __always_inline __u64 first_look_ns(__u64 start_ns)
{
	return config.pending ? start_ns + ATTEMPT_PENDING_DUE_NS : NEVER;
}

static __always_inline void attempt_syn_sent(struct sock *sk, enum scratch_use use)
{
	__u64 key = (__u64)sk;
	struct sock_copy buffer;
	const struct sock_common *common;
	struct attempt_event *event;
	struct attempt *attempt;
	struct scratch *room;
	struct call *call = current_call();
	enum attempt_via via;

	/* An MPTCP socket changes its state too, but it is its subflows that send SYNs. */
	if (!(call && call->sk == sk && !call->mptcp) && READ_GIVEN(sk, sk_protocol) != IPPROTO_TCP)
		return;
	if (call && (call->flow || (call->sk != sk && !call->mptcp)))
		call = NULL;
	if (!call && !task_wanted())
		return;
	via = call ? call->via : via_of(sk);
	if (!netns_wanted(sk))
		return;
	/* Not every tier sees the return of a 32-bit program's system call. */
	if (!call && via == ATTEMPT_VIA_CONNECT && !is_mptcp(sk) && !is_compat()) {
		/* While hooks are being attached or detached, its return may go unseen: it is outside the collector's run. */
		if (!(*(volatile __u32 *)&counters.phase & ATTEMPT_PHASE_HOOKED))
			return;
		call = late_call(sk);
	}
	common = copy_sock(&buffer, sk);
	if (call && (!syn_sent_in_call(call, sk, common) || !outlives_call(call)))
		return;
	room = scratch(use);
	if (!room)
		return;
	attempt = &room->attempt;
	event = &attempt->event;
	if (call) {
		attempt->call = bpf_get_current_pid_tgid();
		event->endpoints = call->to;
		event->start_ns = call->start_ns;
		event->id = attempt_id(call->cookie, event->start_ns);
		event->netns = call->netns;
	} else {
		attempt->flags = ATTEMPT_RETURNED;
		read_endpoints(&event->endpoints, common);
		if (!endpoints_wanted(&event->endpoints))
			return;
		event->start_ns = bpf_ktime_get_boot_ns();
		event->id = attempt_id(common->skc_cookie.counter, event->start_ns);
		event->netns = netns_of(common);
	}
	attempt->left = event->endpoints;
	fill_task(room);
	event->via = via;
	attempt->key = key;
	attempt->look_ns = first_look_ns(event->start_ns);
	forget_earlier(key);
	/* If the table is full, a call is still reported when it returns, with what is known then. */
	if (remember(key, attempt, BPF_ANY)) {
		if (call)
			call->kept = true;
	} else if (!call) {
		drop(ATTEMPT_DROP_TABLE);
	}
}

/* Does the same just before the SYN is sent, if no program saw the change of the state: they were busy. */
static __always_inline void attempt_syn_due(struct sock *sk)
{
	const struct call *call = current_call();

	if (call && !call->flow)
		attempt_syn_sent(sk, SCRATCH_SYN_DUE);
}

#endif
