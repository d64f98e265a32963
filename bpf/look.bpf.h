/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Looks at the attempts that are waiting. The collector runs these iterators while the counters show that there are any. They
 * report what is due, find ends that no program saw, and compute when the next line will be due.
 */
#ifndef SYNPIPE_LOOK_BPF_H
#define SYNPIPE_LOOK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "call_return.bpf.h"
#include "connection.bpf.h"
#include "endpoints.bpf.h"
#include "left.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

#define UNSEEN_NS 1000000000ULL /* an end that is still unfinished after this time was missed */

/* Records that a line will be due at `ns`. */
static __always_inline void due_at(__u64 ns)
{
	if (ns < counters.due_ns)
		counters.due_ns = ns;
}

/* Returns the next of 2, 4, 8, 16 … s after the start; NEVER if pending lines are not repeated. */
static __always_inline __u64 next_look_ns(__u64 start_ns, __u64 now)
{
	__u64 wait = 2 * ATTEMPT_PENDING_DUE_NS;

	if (config.pending != ATTEMPT_PENDING_REPEAT)
		return NEVER;
	for (int i = 0; i < 32 && start_ns + wait <= now; i++)
		wait *= 2;
	return start_ns + wait;
}

/* Whether this is still the socket that the attempt was made with. Its memory may belong to another one by now. */
static __always_inline bool is_same(const struct attempt_event *event, const struct attempt_endpoints *now)
{
	const __u64 *a = (const __u64 *)event->endpoints.daddr, *b = (const __u64 *)now->daddr;

	return a[0] == b[0] && a[1] == b[1] && event->endpoints.dport == now->dport &&
	       (!event->endpoints.sport || !now->sport || event->endpoints.sport == now->sport);
}

/* Finishes an attempt whose end no program saw: reports it with what is still known, or counts it as lost. */
static __always_inline void finish_unseen(struct scratch *room, struct attempt *attempt, bool same, __u8 state)
{
	__u64 key = attempt->key;

	if (!(attempt->flags & ATTEMPT_LEFT)) {
		attempt->left_ns = attempt->gone_ns ?: bpf_ktime_get_boot_ns();
		attempt->left = room->attempt.event.endpoints;
		attempt->established = same && state != TCP_CLOSE;
		if (attempt->established && reports(ATTEMPT_CLOSED))
			connection_opened(key, attempt);
		if (__sync_fetch_and_or(&attempt->flags, ATTEMPT_LEFT) & ATTEMPT_LEFT)
			return;
		if (!(attempt->flags & ATTEMPT_RETURNED)) /* its call will finish it */
			return;
	} else if (__sync_fetch_and_or(&attempt->flags, ATTEMPT_RETURNED) & ATTEMPT_RETURNED) {
		return;
	}
	report_unseen(key, attempt);
}

/* Reports a waiting attempt: its connect line, if that is due and not written yet, and its pending line, if that is due. */
static __always_inline void report_waiting(struct scratch *room, struct attempt *attempt)
{
	struct attempt_event *event = &room->attempt.event;
	__u64 now = bpf_ktime_get_boot_ns();
	__u64 connect_ns = event->start_ns + ATTEMPT_CONNECT_DUE_NS;

	if (reports(ATTEMPT_CONNECT) && !(room->attempt.flags & ATTEMPT_CLAIMED)) {
		if (counters.phase & ATTEMPT_PHASE_LAST_OPEN || connect_ns <= now) {
			if (claims_connect(attempt))
				submit(event, ATTEMPT_CONNECT);
		} else {
			due_at(connect_ns);
		}
	}
	if (counters.phase & ATTEMPT_PHASE_LAST_OPEN) {
		counters.still_open++;
		__sync_fetch_and_or(&attempt->flags, ATTEMPT_LOOKED);
	}
	if (!reports(ATTEMPT_OUTCOME) || !config.pending)
		return;
	if (counters.phase & ATTEMPT_PHASE_LAST_OPEN || room->attempt.look_ns <= now) {
		event->time_ns = now;
		event->retransmits = retransmits((struct sock *)attempt->key);
		take_icmp6(&room->attempt, &event->endpoints, event->start_ns);
		submit(event, ATTEMPT_PENDING);
		attempt->look_ns = next_look_ns(event->start_ns, now);
	}
	due_at(attempt->look_ns);
}

/*
 * Whether the socket has left SYN_SENT without any program seeing it. A socket is closed just before SYN_SENT too: the hook
 * that adds the entry runs before the kernel sets the state. So it must stay closed for a while.
 */
static __always_inline bool is_gone(struct attempt *attempt, bool same, __u8 state)
{
	struct sock *sk = (struct sock *)attempt->key;
	__u64 now = bpf_ktime_get_boot_ns();

	if (*(volatile __u32 *)&attempt->flags & ATTEMPT_LEFT) /* a program saw it just now */
		return false;
	if (!same || state != TCP_CLOSE)
		return true;
	if (!attempt->gone_ns) {
		attempt->left_error = BPF_CORE_READ(sk, sk_err);
		attempt->gone_ns = now;
	}
	if (counters.phase & ATTEMPT_PHASE_LAST_OPEN || attempt->gone_ns + UNSEEN_NS <= now)
		return true;
	due_at(attempt->gone_ns + UNSEEN_NS);
	return false;
}

/* Whether the ring buffer has too little room for what an entry may report. Then the collector reads it, and looks again. */
static __always_inline bool must_pause(void)
{
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) <= bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2)
		return false;
	counters.more = true;
	return true;
}

/* Looks at one entry of `attempts`. Returns 1 to stop. */
static long look_at_attempt(struct bpf_map *map __attribute__((unused)), const __u64 *given, struct attempt *attempt,
			    void *unused __attribute__((unused)))
{
	struct attempt_endpoints endpoints = {};
	const struct sock_common *common;
	struct sock_copy buffer;
	struct scratch *room;
	__u64 key = *given;
	__u8 state;
	bool same;

	if (must_pause())
		return 1;
	room = scratch(SCRATCH_OPEN);
	if (!room)
		return 0;
	/* Use a copy, since the entry may be freed at any time. If it was reused in the meantime, its key or flags have changed. */
	bpf_probe_read_kernel(&room->attempt, sizeof(room->attempt), attempt);
	if (room->attempt.key != key || *(volatile __u32 *)&attempt->flags != room->attempt.flags ||
	    room->attempt.flags & ATTEMPT_LOOKED)
		return 0;
	if ((room->attempt.flags & (ATTEMPT_RETURNED | ATTEMPT_LEFT)) == (ATTEMPT_RETURNED | ATTEMPT_LEFT)) {
		if (counters.phase & ATTEMPT_PHASE_LAST_OPEN || room->attempt.left_ns + UNSEEN_NS < bpf_ktime_get_boot_ns())
			forget(key); /* it has been reported, but could not be deleted */
		return 0;
	}
	if (room->attempt.flags & ATTEMPT_LEFT) {
		if (counters.phase & ATTEMPT_PHASE_LAST_OPEN || room->attempt.left_ns + UNSEEN_NS < bpf_ktime_get_boot_ns())
			finish_unseen(room, attempt, true, TCP_CLOSE);
		return 0;
	}
	common = copy_sock(&buffer, (struct sock *)key);
	read_endpoints(&endpoints, common);
	state = common->skc_state;
	same = is_same(&room->attempt.event, &endpoints);
	if (!same || (state != TCP_SYN_SENT && state != TCP_SYN_RECV)) {
		if (is_gone(attempt, same, state))
			finish_unseen(room, attempt, same, state);
		return 0;
	}
	/* Write to the entry itself as rarely as possible: it may be freed and reused at any time. */
	if (room->attempt.gone_ns)
		attempt->gone_ns = 0;
	/* The local port is usually known by now. It tells this socket from a later one at the same memory address. */
	if (!room->attempt.event.endpoints.sport)
		attempt->event.endpoints = endpoints;
	room->attempt.event.endpoints = endpoints;
	report_waiting(room, attempt);
	return 0;
}

/*
 * The kernel may refuse an iterator over the entries of a map, which could write to them. This one is over the maps, of which
 * the first stands for all.
 */
SEC("iter/bpf_map")
int look_at_open(struct bpf_iter__bpf_map *ctx)
{
	if (ctx->meta->seq_num > 0)
		return 0;
	counters.more = false;
	bpf_for_each_map_elem(&attempts, look_at_attempt, NULL, 0);
	return 0;
}

/*
 * Reports a waiting call, if outcomes are not reported: writes its connect line, as if the call returned now. During the
 * collector's last look the hooks on entries are already detached, those on returns are not; it then also finds the calls
 * that did not fit into `attempts`.
 */
SEC("iter/task")
int look_at_call(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct attempt_event *event;
	struct scratch *room;
	struct call *call;
	__u64 due;

	if (!task)
		return 0;
	call = bpf_task_storage_get(&calls, task, 0, 0);
	if (!call || !call->entry)
		return 0;
	if (!call->counted) {
		if (counters.phase & ATTEMPT_PHASE_LAST_CALLS && reports(ATTEMPT_OUTCOME) && call->flow && !call->kept && end_call(call))
			drop(ATTEMPT_DROP_TABLE);
		return 0;
	}
	due = call->start_ns + ATTEMPT_CONNECT_DUE_NS;
	if (!(counters.phase & ATTEMPT_PHASE_LAST_CALLS) && due > bpf_ktime_get_boot_ns()) {
		due_at(due);
		return 0;
	}
	room = scratch(SCRATCH_CALL);
	if (!room || !end_call(call))
		return 0;
	event = &room->attempt.event;
	fill_after_syn(event, call, 0);
	fill_other_task(room, task);
	event->via = call->via;
	submit(event, ATTEMPT_CONNECT);
	return 0;
}

#endif
