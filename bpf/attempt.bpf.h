/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Everything the tiers have in common: maps, and one helper per step of an attempt. A tier's own file has
 * only the entry points.
 *
 *   attempt_begin     a connect() is about to run            (thread context)
 *   attempt_syn_sent  a socket goes CLOSE -> SYN_SENT        (thread context)
 *   attempt_syn_left  a socket leaves SYN_SENT               (any context: never look at the current task)
 *   attempt_end       that connect() returned                (thread context)
 */
#ifndef SYNPIPE_ATTEMPT_BPF_H
#define SYNPIPE_ATTEMPT_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "ends.bpf.h"
#include "filter.bpf.h"
#include "kernel.h"
#include "task.bpf.h"

/* A connect() that has not returned yet. */
struct call {
	__u64 id;
	__u64 start_ns;
	struct sock *sk;
	struct sock *flow; /* the socket whose SYN went out: sk, with MPTCP its first subflow; NULL before */
	__u64 uaddr;       /* the caller's address, read a second time if it was not in memory at first */
	__u32 addrlen;
	__u32 mptcp;
	struct attempt_ends to; /* only the destination */
};

/* A socket in SYN_SENT. */
struct attempt {
	__u64 call; /* the thread in connect(), which will report it; 0: made another way, reported from here */
	__u64 left; /* event.ends were taken when it left SYN_SENT: by the time connect() fails they are gone */
	struct attempt_event event;
};

/* By thread. Inserted by attempt_begin, deleted by attempt_end, read by attempt_syn_sent and attempt_end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

/*
 * By socket. Inserted by attempt_syn_sent; deleted by attempt_end (a call) or attempt_syn_left (another way,
 * every way out of SYN_SENT passes there); read by both. Not LRU: an eviction could not be counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

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

static __always_inline void drop(enum attempt_drop reason)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&drops, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline __u64 attempt_id(struct sock *sk, __u64 start_ns)
{
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);

	if (cookie)
		return cookie;
	return 1ULL << 63 | (start_ns & ((1ULL << 53) - 1)) << 10 | (bpf_get_smp_processor_id() & 1023);
}

/* A zeroed record in the ring buffer, or NULL and one more drop. */
static __always_inline struct attempt_event *reserve(void)
{
	struct attempt_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (event)
		__builtin_memset(event, 0, sizeof(*event));
	else
		drop(ATTEMPT_DROP_RING);
	return event;
}

/* The socket of a connect() that starts an attempt; NULL for all others, polling an attempt's end included. */
static __always_inline struct sock *attempt_socket(struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u16 protocol = BPF_CORE_READ(sk, sk_protocol);

	if (family != AF_INET && family != AF_INET6)
		return NULL;
	if (BPF_CORE_READ(sk, sk_type) != SOCK_STREAM)
		return NULL;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return NULL;
	if (BPF_CORE_READ(socket, state) != SS_UNCONNECTED || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
		return NULL;
	return sk;
}

static __always_inline void attempt_begin(struct sock *sk, __u64 uaddr, int addrlen)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call call = {};
	long error;

	if (addrlen < 8 || !task_wanted())
		return;
	call.sk = sk;
	call.uaddr = uaddr;
	call.addrlen = addrlen;
	/* The address may have no destination; but if it could not be read, the kernel itself may yet. */
	if (read_destination(&call.to, uaddr, addrlen) && !call.to.family)
		return;
	call.start_ns = bpf_ktime_get_boot_ns();
	call.id = attempt_id(sk, call.start_ns);
	call.mptcp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP;
	error = bpf_map_update_elem(&calls, &thread, &call, BPF_NOEXIST);
	if (!error)
		return;
	drop(ATTEMPT_DROP_TABLE);
	/* Left from a call whose end was not seen: that one is the loss, this one takes its place. */
	if (error == -EEXIST)
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
}

static __always_inline void attempt_syn_sent(struct sock *sk)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 key = (__u64)sk;
	struct attempt attempt = {};
	struct call *call;

	/* An MPTCP socket changes state too; its subflows are what goes out. */
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	call = bpf_map_lookup_elem(&calls, &thread);
	if (call && (call->sk == sk || call->mptcp)) {
		call->flow = sk;
		attempt.call = thread;
		attempt.event.ends = call->to; /* with port 0 the socket does not say where to */
		/* Without it only the source of a refused attempt is missing, so a full table is no loss here. */
		bpf_map_update_elem(&attempts, &key, &attempt, BPF_ANY);
		return;
	}
	if (!task_wanted())
		return;
	/* A connect() whose beginning was not seen: from before the programs were attached, or counted as lost. */
	attempt.event.via = via_of(sk);
	if (attempt.event.via == ATTEMPT_VIA_CONNECT && !is_compat())
		return;
	fill_task(&attempt.event);
	attempt.event.start_ns = bpf_ktime_get_boot_ns();
	attempt.event.time_ns = attempt.event.start_ns;
	attempt.event.id = attempt_id(sk, attempt.event.start_ns);
	attempt.event.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	read_ends(&attempt.event.ends, sk);
	if (!ends_wanted(&attempt.event.ends))
		return;
	if (bpf_map_update_elem(&attempts, &key, &attempt, BPF_ANY))
		drop(ATTEMPT_DROP_TABLE);
}

static __always_inline void attempt_syn_left(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	struct attempt_event *event;

	if (!attempt)
		return;
	read_ends(&attempt->event.ends, sk);
	/* The port of a failed attempt has been given back before this hook; only here it is still legible. */
	if (!attempt->event.ends.sport)
		attempt->event.ends.sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	attempt->left = 1;
	if (attempt->call)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		*event = attempt->event;
		bpf_ringbuf_submit(event, 0);
	} else {
		drop(ATTEMPT_DROP_RING);
	}
	bpf_map_delete_elem(&attempts, &key);
}

/* What the caller takes for a failure. Once the SYN is out, the handshake goes on after an interruption. */
static __always_inline __u16 failure(long ret, bool syn_sent)
{
	if (ret >= 0 || ret == -EINPROGRESS)
		return 0;
	if (ret == -EINTR || (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK))
		return syn_sent ? 0 : EINTR;
	return -ret;
}

static __always_inline void end_of(struct call *call, long ret)
{
	struct attempt_ends ends = call->to;
	struct sock *sk = call->sk;
	__u64 key = (__u64)call->flow;
	struct attempt_event *event;
	struct attempt *attempt;

	if (key) {
		attempt = bpf_map_lookup_elem(&attempts, &key);
		if (attempt && attempt->left && attempt->event.ends.family)
			ends = attempt->event.ends;
		else
			read_ends(&ends, call->flow);
		/* No port was to be had: what is legible is an earlier attempt's, unless the socket was bound. */
		if (ret == -EADDRNOTAVAIL)
			ends.sport = BPF_CORE_READ(sk, __sk_common.skc_num);
		bpf_map_delete_elem(&attempts, &key);
	} else {
		if (ret == -EFAULT)
			return;
		if (!ends.family)
			read_destination(&ends, call->uaddr, call->addrlen);
		read_source(&ends, sk);
	}
	if (!ends.family || !ends_wanted(&ends))
		return;
	event = reserve();
	if (!event)
		return;
	fill_task(event);
	event->id = call->id;
	event->start_ns = call->start_ns;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	event->ends = ends;
	event->error = failure(ret, key != 0);
	event->via = call->mptcp ? ATTEMPT_VIA_MPTCP : ATTEMPT_VIA_CONNECT;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void attempt_end(long ret)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
		return;
	end_of(call, ret);
	bpf_map_delete_elem(&calls, &thread);
}

#endif
