/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A socket goes CLOSE -> SYN_SENT. Thread context. */
#ifndef SYNPIPE_SYN_SENT_BPF_H
#define SYNPIPE_SYN_SENT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "begin.bpf.h"
#include "ends.bpf.h"
#include "filter.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/* What the end of the call will tell and not see: by then a call that failed has cleared most of it. */
static __always_inline bool syn_sent_in_call(struct call *call, struct sock *sk, const struct sock_common *common)
{
	struct sock *outer = call->sk;

	read_ends(&call->to, common);
	if (!ends_wanted(&call->to)) {
		end_call(call);
		return false;
	}
	call->cookie = call->mptcp ? BPF_CORE_READ(outer, __sk_common.skc_cookie.counter) : common->skc_cookie.counter;
	call->netns = netns_of(common);
	call->flow = sk;
	return true;
}

static __always_inline void attempt_syn_sent(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct sock_copy buffer;
	const struct sock_common *common;
	struct attempt_event *event;
	struct attempt *attempt;
	struct scratch *room;
	struct call *call = current_call();
	enum attempt_via via;

	/* An MPTCP socket changes state too; its subflows are what goes out. */
	if (!(call && call->sk == sk && !call->mptcp) && READ_GIVEN(sk, sk_protocol) != IPPROTO_TCP)
		return;
	if (call && call->sk != sk && (!call->mptcp || call->flow))
		call = NULL;
	if (!call && !task_wanted())
		return;
	via = call ? call->via : via_of(sk);
	/* A connect() whose beginning was not seen: from before the programs were attached, or counted as lost. */
	if (!call && via == ATTEMPT_VIA_CONNECT && !is_compat())
		return;
	if (!netns_wanted(sk))
		return;
	common = copy_sock(&buffer, sk);
	if (call && (!syn_sent_in_call(call, sk, common) || !outlives_call(call)))
		return;
	room = scratch(SCRATCH_SYN_SENT);
	if (!room)
		return;
	attempt = &room->attempt;
	event = &attempt->event;
	if (call) {
		attempt->call = bpf_get_current_pid_tgid();
		event->ends = call->to;
		event->start_ns = call->start_ns;
		event->id = attempt_id(call->cookie, event->start_ns);
		event->netns = call->netns;
	} else {
		attempt->flags = ATTEMPT_TOLD;
		read_ends(&event->ends, common);
		if (!ends_wanted(&event->ends))
			return;
		event->start_ns = bpf_ktime_get_boot_ns();
		event->id = attempt_id(common->skc_cookie.counter, event->start_ns);
		event->netns = netns_of(common);
	}
	attempt->left = event->ends;
	fill_task(room);
	event->via = via;
	event->time_ns = event->start_ns;
	/* The end of an earlier attempt at this address may have been missed: that is the loss. */
	if (reports(ATTEMPT_OUTCOME) && bpf_map_lookup_elem(&attempts, &key))
		drop(ATTEMPT_DROP_TABLE, 1);
	/* Where there is no room, a call is still told when it returns, with what can be known then. */
	if (!remember(key, attempt) && !call)
		drop_attempt();
}

#endif
