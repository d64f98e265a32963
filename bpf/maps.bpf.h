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

/* Which function's entry began a call: only its return ends that. */
enum call_entry { CALL_NONE, CALL_CONNECT, CALL_FASTOPEN, CALL_KERNEL };

/* A thread's call that makes an attempt and has not returned yet. */
struct call {
	__u64 cookie;   /* the socket's, from the SYN on, as netns; 0: it has none */
	__u64 start_ns; /* 0 where nobody will ask: see outlives_call */
	struct sock *sk;
	struct sock *flow; /* the socket whose SYN went out: sk, with MPTCP its first subflow; NULL before */
	__u64 uaddr;       /* the caller's address, read a second time if it was not in memory at first */
	__u32 addrlen;
	__u32 entry; /* enum call_entry; CALL_NONE: there is none. Whoever sets that is the one that tells the call */
	struct attempt_ends to; /* only the destination, before the SYN */
	__u32 netns;
	__u8 via;
	__u8 mptcp;
	__u8 pad[2];
};

/*
 * By thread, and as long as it lives. Inserted and begun by attempt_begin; ended by attempt_end, by attempt_syn_sent if
 * the filters say no, by attempt_thread_gone, and by tell_waiting when the collector ends.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/*
 * By socket. Inserted by attempt_syn_sent, with all about the task, which is the current one only there; deleted
 * by the second of attempt_end and attempt_syn_left, which is alone with it then; read by both, and by the
 * collector when it ends. Not LRU: an eviction could not be counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

/* Room to make an attempt in: too big for the stack. Behind it, room that exe needs, and how far it is. */
struct scratch {
	struct attempt attempt;
	char behind[ATTEMPT_EXE_BYTES];
	__u64 at; /* bytes of exe */
	__u64 dentry;
	__u64 mount;
	__u64 root_dentry;
	__u64 root_mount;
};

/*
 * By enum scratch_use. Written and read by the program of that step alone, which is never entered twice on one
 * CPU, though another step's may come in between.
 */
enum scratch_use { SCRATCH_SYN_SENT, SCRATCH_END, SCRATCH_WAITING, SCRATCH_USES };
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
 * By enum attempt_drop. Added to by drop, read by the collector through mmap: a map read by system call
 * holds off every tracepoint program on its CPU meanwhile, and so would itself lose attempts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ATTEMPT_DROPS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

/* True for the one caller that ends it. */
static __always_inline bool end_call(struct call *call)
{
	return __sync_lock_test_and_set(&call->entry, CALL_NONE) != CALL_NONE;
}

/*
 * Its SYN makes an entry in `attempts`: where the end is to be told too, and where the socket may be gone when the call
 * returns, an MPTCP subflow.
 */
static __always_inline bool outlives_call(const struct call *call)
{
	return reports(ATTEMPT_OUTCOME) || call->mptcp;
}

static __always_inline void drop(enum attempt_drop reason, __u64 records)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&drops, &key);

	if (count)
		__sync_fetch_and_add(count, records);
}

/*
 * No fewer than there are in `attempts`, where outcomes are not told: then there are none at most times, and a look at
 * this saves a look-up with every state that a socket leaves.
 */
static volatile __u32 remembered;

static __always_inline bool any_remembered(void)
{
	return reports(ATTEMPT_OUTCOME) || remembered;
}

/* False where there is no room. */
static __always_inline bool remember(__u64 key, const struct attempt *attempt)
{
	if (!reports(ATTEMPT_OUTCOME))
		__sync_fetch_and_add(&remembered, 1);
	if (!bpf_map_update_elem(&attempts, &key, attempt, BPF_ANY))
		return true;
	if (!reports(ATTEMPT_OUTCOME))
		__sync_fetch_and_add(&remembered, -1);
	return false;
}

static __always_inline void forget(__u64 key)
{
	if (!bpf_map_delete_elem(&attempts, &key) && !reports(ATTEMPT_OUTCOME))
		__sync_fetch_and_add(&remembered, -1);
}

/* An attempt of which nothing will be told. */
static __always_inline void drop_attempt(void)
{
	drop(ATTEMPT_DROP_TABLE, reports(ATTEMPT_CONNECT) + reports(ATTEMPT_OUTCOME));
}

/* Into the ring buffer, as much as is used, or one more drop. */
static __always_inline void submit(struct attempt_event *event, enum attempt_kind kind)
{
	__u64 exe = event->exe_size;

	if (!reports(kind))
		return;
	event->kind = kind;
	barrier_var(exe); /* or the compiler tests another copy of it than the verifier follows */
	if (exe > ATTEMPT_EXE_BYTES)
		return;
	if (bpf_ringbuf_output(&events, event, offsetof(struct attempt_event, exe) + exe, 0))
		drop(ATTEMPT_DROP_RING, 1);
}

/* Zeroed, but for exe, of which only exe_size bytes count. */
static __always_inline struct scratch *scratch(enum scratch_use use)
{
	__u32 key = use;
	struct scratch *room = bpf_map_lookup_elem(&scratches, &key);

	if (room)
		__builtin_memset(room, 0, offsetof(struct attempt, event.exe));
	return room;
}

#endif
