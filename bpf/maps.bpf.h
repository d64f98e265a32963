/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The maps, and the ways into them that more than one step has. */
#ifndef SYNPIPE_MAPS_BPF_H
#define SYNPIPE_MAPS_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "filter.bpf.h"
#include "kernel.h"
#include "process.bpf.h"

#define NEVER (~0ULL)

/* Which function's entry began a call: only its return ends that. */
enum call_entry { CALL_NONE, CALL_CONNECT, CALL_FASTOPEN, CALL_KERNEL };

/* A thread's call that makes an attempt and has not returned yet. */
struct call {
	__u64 cookie; /* the socket's, from the SYN on, as netns; 0: it has none */
	__u64 start_ns;
	struct sock *sk;
	struct sock *flow; /* the socket whose SYN went out: sk, with MPTCP its first subflow; NULL before */
	__u64 uaddr;       /* the caller's address, read a second time if it was not in memory at first */
	__u32 addrlen;
	__u32 entry; /* enum call_entry; CALL_NONE: there is none. Whoever sets that reports the call */
	struct attempt_ends to; /* only the destination, before the SYN */
	__u32 netns;
	__u8 via;
	__u8 mptcp;
	__u8 kept;    /* it has an entry in `attempts` */
	__u8 counted; /* it is counted in counters.calls */
};

/*
 * By thread, and as long as it lives. Inserted and begun by attempt_begin, or by attempt_syn_sent if that did not see the
 * call; ended by attempt_end, by attempt_syn_sent if the filters say no, by attempt_thread_gone, and by look_at_call.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/*
 * By socket. Inserted by attempt_syn_sent, with all about the task, which is the current one only there, and by
 * adopt_socket; deleted by the second of attempt_end and attempt_syn_left, which is alone with it then, and by look_at_open
 * if an end was missed; read by all of these. Not LRU: an eviction could not be counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

/* Room to make an attempt in: too big for the stack. */
struct scratch {
	struct attempt attempt;
	struct process_room process;
};

/*
 * By enum scratch_use. Written and read by the program of that step alone, which is never entered twice on one
 * CPU, though another step's may come in between.
 */
enum scratch_use { SCRATCH_SYN_SENT, SCRATCH_END, SCRATCH_OPEN, SCRATCH_CALL, SCRATCH_USES };
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_USES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Inserted by submit, read and released by the collector, which may give it another size before load. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/*
 * In a separate section, which the collector maps: a map read by system call holds off every tracepoint program on its
 * CPU meanwhile, and so would itself lose attempts.
 */
struct attempt_counters counters SEC(".data.counters") = {};

static __always_inline void add(__u64 *counter, __s64 number)
{
	__sync_fetch_and_add(counter, number);
}

/* True for the one caller that ends it. */
static __always_inline bool end_call(struct call *call)
{
	if (__sync_lock_test_and_set(&call->entry, CALL_NONE) == CALL_NONE)
		return false;
	if (call->counted)
		add(&counters.calls, -1);
	return true;
}

/*
 * Its SYN makes an entry in `attempts`: if the end is to be reported too, and if the socket may be gone when the call
 * returns, an MPTCP subflow.
 */
static __always_inline bool outlives_call(const struct call *call)
{
	return reports(ATTEMPT_OUTCOME) || call->mptcp;
}

static __always_inline void drop(enum attempt_drop reason)
{
	add(&counters.drops[reason], 1);
}

/*
 * If outcomes are not reported, the table is empty at most times, and a look at the counter saves a look-up with every
 * state that a socket leaves.
 */
static __always_inline bool any_open(void)
{
	return reports(ATTEMPT_OUTCOME) || *(volatile __u64 *)&counters.opened != *(volatile __u64 *)&counters.closed;
}

/* False if the table is full. */
static __always_inline bool remember(__u64 key, const struct attempt *attempt, __u64 flags)
{
	add(&counters.opened, 1);
	if (!bpf_map_update_elem(&attempts, &key, attempt, flags))
		return true;
	add(&counters.closed, 1);
	return false;
}

/* If the kernel refuses, as it may in an interrupt, look_at_open finds an entry that has all its flags. */
static __always_inline void forget(__u64 key)
{
	if (!bpf_map_delete_elem(&attempts, &key))
		add(&counters.closed, 1);
}

/* An attempt's last record. */
static __always_inline enum attempt_kind last_kind(void)
{
	return reports(ATTEMPT_OUTCOME) ? ATTEMPT_OUTCOME : ATTEMPT_CONNECT;
}

/* Into the ring buffer, as much as is used, or one more drop. */
static __always_inline void submit(struct attempt_event *event, enum attempt_kind kind)
{
	__u64 exe = event->process.exe_size;

	if (!reports(kind))
		return;
	event->kind = kind;
	barrier_var(exe); /* or the compiler tests another copy of it than the verifier follows */
	if (exe > PROCESS_EXE_BYTES)
		return;
	if (bpf_ringbuf_output(&events, event, offsetof(struct attempt_event, process.exe) + exe, 0))
		drop(kind == last_kind() ? ATTEMPT_DROP_RING : ATTEMPT_DROP_UPDATE);
}

/* Zeroed, but for exe, of which only exe_size bytes count. */
static __always_inline struct scratch *scratch(enum scratch_use use)
{
	__u32 key = use;
	struct scratch *room = bpf_map_lookup_elem(&scratches, &key);

	if (room) {
		__builtin_memset(room, 0, offsetof(struct attempt, event.process.exe));
		room->attempt.flags = 0;
	}
	return room;
}

#endif
