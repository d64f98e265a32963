/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A call that attempt_begin saw has returned. Thread context. */
#ifndef SYNPIPE_END_BPF_H
#define SYNPIPE_END_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "ends.bpf.h"
#include "filter.bpf.h"
#include "left.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/* What the caller takes for a failure. Once the SYN is out, the handshake goes on after an interruption. */
static __always_inline __u16 failure(long ret, bool syn_sent)
{
	if (ret >= 0 || ret == -EINPROGRESS)
		return 0;
	if (ret == -EINTR || (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK))
		return syn_sent ? 0 : EINTR;
	return -ret;
}

/* No SYN was prepared, or there was no room to remember it: all that can be told is known now. */
static __always_inline void end_unseen(struct call *call, long ret)
{
	struct attempt *attempt = scratch(SCRATCH_END);
	struct sock_copy buffer;
	const struct sock_common *common = copy_sock(&buffer, call->flow ?: call->sk);
	struct attempt_event *event;

	if (!attempt)
		return;
	event = &attempt->event;
	event->ends = call->to;
	if (call->flow) {
		read_ends(&event->ends, common);
	} else {
		if (ret == -EFAULT)
			return;
		if (!event->ends.family)
			read_destination(&event->ends, call->uaddr, call->addrlen, false);
		read_source(&event->ends, common);
	}
	if (!event->ends.family || !ends_wanted(&event->ends))
		return;
	fill_task(event);
	event->id = call->id;
	event->start_ns = call->start_ns;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->netns = netns_of(common);
	event->error = failure(ret, call->flow);
	event->via = call->via;
	submit(event, ATTEMPT_CONNECT);
	if (event->error)
		submit(event, ATTEMPT_OUTCOME);
	else if (reports(ATTEMPT_OUTCOME))
		drop(ATTEMPT_DROP_TABLE, 1);
}

static __always_inline void end_of(struct call *call, long ret, __u64 thread)
{
	__u64 key = (__u64)call->flow;
	struct attempt *attempt = key ? bpf_map_lookup_elem(&attempts, &key) : NULL;
	struct sock_copy buffer;
	struct attempt_event *event;
	struct sock *sk = call->sk;

	if (!attempt || attempt->call != thread) {
		end_unseen(call, ret);
		return;
	}
	event = &attempt->event;
	if (!(*(volatile __u32 *)&attempt->flags & ATTEMPT_LEFT))
		read_ends(&event->ends, copy_sock(&buffer, call->flow));
	/* If the socket left SYN_SENT while it was read, its port may be gone, but then that is known after it. */
	if (*(volatile __u32 *)&attempt->flags & ATTEMPT_LEFT)
		event->ends = attempt->left;
	/* No port was to be had: what is legible is an earlier attempt's, unless the socket was bound. */
	if (ret == -EADDRNOTAVAIL)
		event->ends.sport = attempt->left.sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	event->time_ns = bpf_ktime_get_boot_ns();
	event->error = failure(ret, true);
	submit(event, ATTEMPT_CONNECT);
	if (__sync_fetch_and_or(&attempt->flags, ATTEMPT_TOLD) & ATTEMPT_LEFT) {
		tell_outcome(attempt);
		bpf_map_delete_elem(&attempts, &key);
	}
}

static __always_inline void attempt_end(long ret, enum call_entry entry)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call || call->entry != entry)
		return;
	end_of(call, ret, thread);
	bpf_map_delete_elem(&calls, &thread);
}

/* A thread that ends has no call any more; if one is left, its end was missed. */
static __always_inline void attempt_thread_gone(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (!bpf_map_delete_elem(&calls, &thread))
		drop_attempt();
}

#endif
