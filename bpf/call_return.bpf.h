/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Handles the return of a call. Thread context. */
#ifndef SYNPIPE_CALL_RETURN_BPF_H
#define SYNPIPE_CALL_RETURN_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "call_entry.bpf.h"
#include "endpoints.bpf.h"
#include "filter.bpf.h"
#include "left.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/* Returns the errno if the caller sees a failure, else 0. A handshake continues if its call is interrupted after the SYN. */
static __always_inline __u16 failure(long ret, bool syn_sent)
{
	if (ret >= 0 || ret == -EINPROGRESS)
		return 0;
	if (ret == -EINTR || (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK))
		return syn_sent ? 0 : EINTR;
	return -ret;
}

/* Fills the event of a call that has sent its SYN. All but the source port, which is chosen later, was recorded then. */
static __always_inline void fill_after_syn(struct attempt_event *event, const struct call *call, long ret)
{
	struct sock *sk = call->flow;

	event->start_ns = call->start_ns;
	event->endpoints = call->to;
	/* If no port was available, inet_sport is left over from an earlier attempt; skc_num is 0 unless the socket was bound. */
	if (ret == -EADDRNOTAVAIL)
		event->endpoints.sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	else
		event->endpoints.sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	event->id = attempt_id(call->cookie, event->start_ns);
	event->netns = call->netns;
}

/*
 * Returns false for a call that made no attempt, although it looked like one at its entry: the socket is of another kind or
 * is listening, or the file is not a socket; or the call succeeded while the socket stayed closed, because another thread
 * changed the address or the descriptor before the kernel read it.
 */
static __always_inline bool was_attempt(const struct call *call, const struct sock_common *common, long ret)
{
	struct sock *sk = call->sk;

	if ((common->skc_family != AF_INET && common->skc_family != AF_INET6) || common->skc_state == TCP_LISTEN)
		return false;
	if (!failure(ret, false) && common->skc_state == TCP_CLOSE)
		return false;
	return ret != -ENOTSOCK || (BPF_CORE_READ(sk, sk_socket, file, f_inode, i_mode) & S_IFMT) == S_IFSOCK;
}

/* Fills the event of a call that has sent no SYN. Returns false if there is nothing to report. */
static __always_inline bool fill_before_syn(struct attempt_event *event, const struct call *call, long ret,
					    struct sock_copy *buffer)
{
	const struct sock_common *common = copy_sock(buffer, call->sk);
	struct address address = {};

	if (ret == -EFAULT || !was_attempt(call, common, ret))
		return false;
	event->start_ns = call->start_ns;
	event->endpoints = call->to;
	if (!event->endpoints.family && read_address(&address, call->uaddr, call->addrlen, false))
		parse_destination(&event->endpoints, &address, call->addrlen);
	read_source(&event->endpoints, common);
	event->id = attempt_id(common->skc_cookie.counter, event->start_ns);
	event->netns = netns_of(common);
	return event->endpoints.family && endpoints_wanted(&event->endpoints);
}

/* Reports a call without an entry in `attempts`: everything that can be reported is known now. */
static __always_inline void report_alone(struct call *call, long ret, struct sock_copy *buffer)
{
	struct scratch *room = scratch(SCRATCH_END);
	struct attempt_event *event;

	if (!room)
		return;
	event = &room->attempt.event;
	if (call->flow)
		fill_after_syn(event, call, ret);
	else if (!fill_before_syn(event, call, ret, buffer))
		return;
	fill_task(room);
	event->error = failure(ret, call->flow);
	event->via = call->via;
	submit(event, ATTEMPT_CONNECT);
	if (!reports(ATTEMPT_OUTCOME))
		return;
	event->time_ns = bpf_ktime_get_boot_ns();
	if (event->error)
		submit(event, ATTEMPT_OUTCOME);
	else /* there was no room in `attempts` */
		drop(ATTEMPT_DROP_TABLE);
}

/* If no program saw that the socket left SYN_SENT, because they were busy, records it with what the call's result shows. */
static __always_inline void left_unseen(struct attempt *attempt, struct sock *sk, long ret)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (state == TCP_SYN_SENT || state == TCP_SYN_RECV)
		return;
	attempt->established = ret >= 0 || state != TCP_CLOSE;
	if (!attempt->established && !failure(ret, true))
		return;
	attempt->at_once = !attempt->established;
	attempt->left_ns = bpf_ktime_get_boot_ns();
	attempt->left.sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	attempt->event.retransmits = retransmits(sk);
	if (attempt->established && reports(ATTEMPT_CLOSED))
		connection_opened(attempt->key, attempt);
	__sync_fetch_and_or(&attempt->flags, ATTEMPT_LEFT);
}

static __always_inline void finish_call(struct call *call, long ret)
{
	__u64 key = (__u64)call->flow;
	struct attempt *attempt = key && outlives_call(call) ? bpf_map_lookup_elem(&attempts, &key) : NULL;
	struct sock_copy buffer; /* shared: the stack has 512 bytes, called functions included */
	struct attempt_event *event;
	struct sock *sk = call->sk;

	if (!attempt || attempt->call != bpf_get_current_pid_tgid()) {
		if (!call->kept) /* else look_at_open took it for an attempt whose end was missed */
			report_alone(call, ret, &buffer);
		return;
	}
	event = &attempt->event;
	if (ret != -EINPROGRESS && !(*(volatile __u32 *)&attempt->flags & ATTEMPT_LEFT))
		left_unseen(attempt, call->flow, ret);
	if (reports(ATTEMPT_CONNECT)) {
		if (!(*(volatile __u32 *)&attempt->flags & ATTEMPT_LEFT))
			read_endpoints(&event->endpoints, copy_sock(&buffer, call->flow));
		/* The socket may have left SYN_SENT, and lost its port, during that read. The flag, checked again, shows it. */
		if (*(volatile __u32 *)&attempt->flags & ATTEMPT_LEFT)
			event->endpoints = attempt->left;
	}
	/* No port was available: what was read is left over from an earlier attempt, unless the socket was bound. */
	if (ret == -EADDRNOTAVAIL)
		event->endpoints.sport = attempt->left.sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	event->error = failure(ret, true);
	if (claims_connect(attempt))
		submit(event, ATTEMPT_CONNECT);
	if (__sync_fetch_and_or(&attempt->flags, ATTEMPT_RETURNED) & ATTEMPT_LEFT) {
		fill_outcome(attempt);
		submit(event, ATTEMPT_OUTCOME);
		connection_reported(key);
		forget(key);
	}
}

static __always_inline void call_returned(long ret, enum call_entry entry)
{
	struct call *call = current_call();

	/* end_call fails if the call has just been reported as waiting. */
	if (call && call->entry == entry && end_call(call))
		finish_call(call, ret);
}

/* A thread that exits is no longer in a call. If one is still recorded, its return was missed. */
static __always_inline void attempt_thread_gone(void)
{
	struct call *call = current_call();

	if (call)
		end_unseen(call);
}

#endif
