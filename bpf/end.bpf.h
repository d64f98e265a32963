/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A call that attempt_begin saw has returned. Thread context. */
#ifndef SYNPIPE_END_BPF_H
#define SYNPIPE_END_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
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

/* Both ends, as far as they are legible when the call returns. */
static __always_inline void end_ends(struct attempt_ends *ends, struct call *call, const struct sock_common *common,
				     long ret)
{
	struct sock *sk = call->flow;

	*ends = call->to;
	if (!sk) {
		if (!ends->family)
			read_destination(ends, call->uaddr, call->addrlen, false);
		read_source(ends, common);
		return;
	}
	/* A call that failed has cleared all but the port, which is another attempt's where none was to be had. */
	if (common->skc_dport)
		read_ends(ends, common);
	if (ret == -EADDRNOTAVAIL)
		ends->sport = common->skc_num;
	else if (!common->skc_dport || !ends->sport)
		ends->sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

/* There is nothing in `attempts`: all that can be told is known now. */
static __always_inline void end_alone(struct call *call, long ret)
{
	struct attempt *attempt = scratch(SCRATCH_END);
	struct sock_copy buffer;
	const struct sock_common *common = copy_sock(&buffer, call->flow ?: call->sk);
	struct attempt_event *event;

	if (!attempt || (!call->flow && ret == -EFAULT))
		return;
	event = &attempt->event;
	end_ends(&event->ends, call, common, ret);
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
	if (!reports(ATTEMPT_OUTCOME))
		return;
	if (event->error)
		submit(event, ATTEMPT_OUTCOME);
	else /* there was no room to remember it */
		drop(ATTEMPT_DROP_TABLE, 1);
}

static __always_inline void end_of(struct call *call, long ret)
{
	__u64 key = (__u64)call->flow;
	struct attempt *attempt = key && outlives_call(call) ? bpf_map_lookup_elem(&attempts, &key) : NULL;
	struct sock_copy buffer;
	struct attempt_event *event;
	struct sock *sk = call->sk;

	if (!attempt || attempt->call != bpf_get_current_pid_tgid()) {
		end_alone(call, ret);
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
	struct call *call = current_call();

	/* The second: it has just been told, as one that waits. */
	if (call && call->entry == entry && end_call(call))
		end_of(call, ret);
}

/* A thread that ends has no call any more; if one is left, its end was missed. */
static __always_inline void attempt_thread_gone(void)
{
	struct call *call = current_call();

	if (call && end_call(call))
		drop_attempt();
}

#endif
