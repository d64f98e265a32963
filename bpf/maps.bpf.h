/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The maps, and the helpers for them that several steps share. */
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

/* The function whose entry started a call. Only the return of the same function ends it. */
enum call_entry { CALL_NONE, CALL_CONNECT, CALL_FASTOPEN, CALL_KERNEL };

/* A thread's call that starts an attempt and has not returned yet. */
struct call {
	__u64 cookie; /* the socket's cookie, or 0 if it has none; this and netns are set at the SYN */
	__u64 start_ns;
	struct sock *sk;
	struct sock *flow; /* the socket that sent the SYN: sk, or its first subflow with MPTCP; NULL before the SYN */
	__u64 uaddr;       /* the caller's address, which is read a second time if it was not in memory at first */
	__u32 addrlen;
	__u32 entry; /* enum call_entry; CALL_NONE: there is no call. The program that sets this to CALL_NONE reports the call */
	struct attempt_endpoints to; /* before the SYN, only the destination */
	__u32 netns;
	__u8 via;
	__u8 mptcp;
	__u8 kept;    /* it has an entry in `attempts` */
	__u8 counted; /* it is counted in counters.calls */
};

/*
 * One per thread, which the kernel deletes with the thread. Inserted and started by call_entered, or by attempt_syn_sent if
 * call_entered did not see the call; ended by call_returned, by attempt_syn_sent if the filters reject the call, by
 * attempt_thread_gone, and by look_at_call.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/*
 * One per socket. Inserted by attempt_syn_sent, with everything about the task, which is the current one only there, and by
 * adopt_socket; deleted by whichever of call_returned and attempt_syn_left comes second and so has the entry to itself, and by
 * look_at_open if an end was missed; read by all of these. Not LRU: an eviction could not be counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

/*
 * One per established connection that this host has opened, if its end is to be reported. Inserted by connection_opened and
 * adopt_connection; deleted by whichever of connection_closed and connection_reported comes second, and by look_at_connections
 * if an end was missed; read by all of these and by connection_error.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u64);
	__type(value, struct attempt);
} connections SEC(".maps");

/* A buffer to build an attempt in, which is too big for the stack. */
struct scratch {
	struct attempt attempt;
	struct process_room process;
};

/*
 * Indexed by enum scratch_use. Written and read only by the program of that step, which never runs twice at once on one CPU,
 * although the program of another step may interrupt it.
 */
enum scratch_use { SCRATCH_SYN_SENT, SCRATCH_SYN_DUE, SCRATCH_END, SCRATCH_OPEN, SCRATCH_CALL, SCRATCH_DROP, SCRATCH_USES };
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
 * In a separate section, which the collector maps into its memory: while a system call reads a map, no tracepoint program
 * runs on that CPU, so the read itself would lose attempts.
 */
struct attempt_counters counters SEC(".data.counters") = {};

static __always_inline void add(__u64 *counter, __s64 number)
{
	__sync_fetch_and_add(counter, number);
}

/* Ends a call. Returns true to only one caller. */
static __always_inline bool end_call(struct call *call)
{
	if (__sync_lock_test_and_set(&call->entry, CALL_NONE) == CALL_NONE)
		return false;
	if (call->counted)
		add(&counters.calls, -1);
	return true;
}

/*
 * Whether the SYN of the call adds an entry to `attempts`: if outcomes are reported too, or if the socket may be gone when
 * the call returns (an MPTCP subflow).
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
 * Whether `attempts` may have entries. If outcomes are not reported it is usually empty, and checking the counters saves a
 * look-up each time a socket changes its state.
 */
static __always_inline bool any_open(void)
{
	return reports(ATTEMPT_OUTCOME) || *(volatile __u64 *)&counters.opened != *(volatile __u64 *)&counters.closed;
}

/* Adds an entry to `attempts`. Returns false if the table is full, or `flags` do not allow it. */
static __always_inline bool remember(__u64 key, const struct attempt *attempt, __u64 flags)
{
	add(&counters.opened, 1);
	if (!bpf_map_update_elem(&attempts, &key, attempt, flags))
		return true;
	add(&counters.closed, 1);
	return false;
}

/* Deletes an entry. If the kernel refuses, as it may in an interrupt, look_at_open finds the entry with all its flags set. */
static __always_inline void forget(__u64 key)
{
	if (!bpf_map_delete_elem(&attempts, &key))
		add(&counters.closed, 1);
}

/* Returns the kind of an attempt's last record. */
static __always_inline enum attempt_kind last_kind(void)
{
	return reports(ATTEMPT_OUTCOME) ? ATTEMPT_OUTCOME : ATTEMPT_CONNECT;
}

/* Writes the used part of a record to the ring buffer, or counts a drop. */
static __always_inline void submit(struct attempt_event *event, enum attempt_kind kind)
{
	__u64 exe = event->process.exe_size;

	/* The other kinds are written only if that is asked for. */
	if (kind & (ATTEMPT_CONNECT | ATTEMPT_OUTCOME | ATTEMPT_CLOSED) && !reports(kind))
		return;
	event->kind = kind;
	barrier_var(exe); /* keeps the compiler from testing a copy, which the verifier does not track */
	if (exe > PROCESS_EXE_BYTES)
		return;
	if (!bpf_ringbuf_output(&events, event, offsetof(struct attempt_event, process.exe) + exe, 0))
		return;
	if (kind == ATTEMPT_CLOSED)
		drop(ATTEMPT_DROP_CLOSE);
	else
		drop(kind == last_kind() ? ATTEMPT_DROP_RING : ATTEMPT_DROP_UPDATE);
}

/* Returns a buffer that is zeroed, except for exe, of which only exe_size bytes count. */
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
