/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Everything the tiers have in common: maps, and one helper per step of an attempt. A tier's own file has
 * only the entry points.
 *
 *   attempt_begin     a connect() is about to run            (thread context)
 *   attempt_syn_sent  a socket goes CLOSE -> SYN_SENT        (thread context)
 *   attempt_syn_left  a socket leaves SYN_SENT               (any context: never look at the current task)
 *   attempt_end       that connect() returned                (thread context)
 *
 * The last two may come in either order and at the same time. Whoever is second tells the outcome, so that it
 * never comes before its connect.
 */
#ifndef SYNPIPE_ATTEMPT_BPF_H
#define SYNPIPE_ATTEMPT_BPF_H

#include <stdbool.h>
#include <stddef.h>
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
	__u16 via;
	__u16 mptcp;
	struct attempt_ends to; /* only the destination */
};

/*
 * By thread. Inserted by attempt_begin; deleted by attempt_end, by attempt_syn_sent if the filters say no, and
 * by attempt_thread_gone; read by attempt_syn_sent and attempt_end, and by the collector when it ends.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
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

/* Room to make an attempt in: too big for the stack. Behind it, what fill_exe needs. */
struct scratch {
	struct attempt attempt;
	char behind[ATTEMPT_EXE_BYTES];
};

/*
 * By enum scratch_use. Written and read by the program of that step alone, which is never entered twice on one
 * CPU, though another step's may come in between.
 */
enum scratch_use { SCRATCH_SYN_SENT, SCRATCH_END, SCRATCH_USES };
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

static __always_inline void drop(enum attempt_drop reason, __u64 records)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&drops, &key);

	if (count)
		__sync_fetch_and_add(count, records);
}

/* An attempt of which nothing will be told. */
static __always_inline void drop_attempt(void)
{
	drop(ATTEMPT_DROP_TABLE, reports(ATTEMPT_CONNECT) + reports(ATTEMPT_OUTCOME));
}

static __always_inline __u32 netns_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline __u64 attempt_id(struct sock *sk, __u64 start_ns)
{
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);

	if (cookie)
		return cookie;
	return 1ULL << 63 | (start_ns & ((1ULL << 53) - 1)) << 10 | (bpf_get_smp_processor_id() & 1023);
}

/* Into the ring buffer, as much as is used, or one more drop. */
static __always_inline void submit(struct attempt_event *event, enum attempt_kind kind)
{
	__u32 exe = event->exe_size;

	if (!reports(kind))
		return;
	event->kind = kind;
	if (exe > ATTEMPT_EXE_BYTES)
		return;
	if (bpf_ringbuf_output(&events, event, offsetof(struct attempt_event, exe) + exe, 0))
		drop(ATTEMPT_DROP_RING, 1);
}

/* Zeroed, but for exe, of which only exe_size bytes count. */
static __always_inline struct attempt *scratch(enum scratch_use use)
{
	__u32 key = use;
	struct attempt *attempt = bpf_map_lookup_elem(&scratches, &key);

	if (attempt)
		__builtin_memset(attempt, 0, offsetof(struct attempt, event.exe));
	return attempt;
}

/* The socket of a connect() that starts an attempt; NULL for all others, polling an attempt's end included. */
static __always_inline struct sock *attempt_socket(struct file *file)
{
	struct socket *socket;
	struct sock *sk;
	__u16 family, protocol;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	protocol = BPF_CORE_READ(sk, sk_protocol);
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

/* `address` is the caller's, or the kernel's copy of it. */
static __always_inline void attempt_begin(struct sock *sk, __u64 address, int addrlen, bool kernel, bool io_uring)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call call = {};
	long error;

	/* Too short for any destination, or so long that the kernel does not even look. */
	if (addrlen < 8 || addrlen > SOCKADDR_MAX || !task_wanted())
		return;
	if (!netns_wanted(netns_of(sk)))
		return;
	call.sk = sk;
	call.uaddr = address;
	call.addrlen = addrlen;
	/* The address may have no destination; but if it could not be read, the kernel itself may yet. */
	if (read_destination(&call.to, address, addrlen, kernel) && !call.to.family)
		return;
	call.start_ns = bpf_ktime_get_boot_ns();
	call.id = attempt_id(sk, call.start_ns);
	call.mptcp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP;
	if (io_uring)
		call.via = ATTEMPT_VIA_IO_URING;
	else
		call.via = call.mptcp ? ATTEMPT_VIA_MPTCP : ATTEMPT_VIA_CONNECT;
	error = bpf_map_update_elem(&calls, &thread, &call, BPF_NOEXIST);
	if (!error)
		return;
	drop_attempt();
	/* Left from a call whose end was not seen: that one is the loss, this one takes its place. */
	if (error == -EEXIST)
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
}

static __always_inline void attempt_syn_sent(struct sock *sk)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 key = (__u64)sk;
	struct attempt_event *event;
	struct attempt *attempt;
	struct call *call;
	enum attempt_via via;

	/* An MPTCP socket changes state too; its subflows are what goes out. */
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	call = bpf_map_lookup_elem(&calls, &thread);
	if (call && call->sk != sk && (!call->mptcp || call->flow))
		call = NULL;
	if (!call && !task_wanted())
		return;
	via = call ? call->via : via_of(sk);
	/* A connect() whose beginning was not seen: from before the programs were attached, or counted as lost. */
	if (!call && via == ATTEMPT_VIA_CONNECT && !is_compat())
		return;
	attempt = scratch(SCRATCH_SYN_SENT);
	if (!attempt)
		return;
	event = &attempt->event;
	event->netns = netns_of(sk);
	if (!netns_wanted(event->netns))
		return;
	/* What the caller asked for, where the socket does not say: port 0. */
	if (call)
		event->ends = call->to;
	read_ends(&event->ends, sk);
	if (!ends_wanted(&event->ends)) {
		if (call)
			bpf_map_delete_elem(&calls, &thread);
		return;
	}
	attempt->left = event->ends;
	fill_task(event);
	if (call) {
		call->flow = sk;
		attempt->call = thread;
		event->start_ns = call->start_ns;
		event->id = call->id;
	} else {
		attempt->flags = ATTEMPT_TOLD;
		event->start_ns = bpf_ktime_get_boot_ns();
		event->id = attempt_id(sk, event->start_ns);
	}
	event->via = via;
	event->time_ns = event->start_ns;
	/* The end of an earlier attempt at this address may have been missed: that is the loss. */
	if (reports(ATTEMPT_OUTCOME) && bpf_map_lookup_elem(&attempts, &key))
		drop(ATTEMPT_DROP_TABLE, 1);
	/* Where there is no room, a call is still told when it returns, with what can be known then. */
	if (bpf_map_update_elem(&attempts, &key, attempt, BPF_ANY) && !call)
		drop_attempt();
}

/* The last word on an attempt: both sides are done, and nobody else looks at it. */
static __always_inline void tell_outcome(struct attempt *attempt)
{
	struct attempt_event *event = &attempt->event;

	event->established = attempt->established;
	if (event->established)
		event->error = 0;
	else if (!attempt->at_once)
		event->error = attempt->left_error;
	event->ends = attempt->left;
	event->time_ns = attempt->left_ns;
	submit(event, ATTEMPT_OUTCOME);
}

static __always_inline void attempt_syn_left(struct sock *sk, int to)
{
	__u64 key = (__u64)sk;
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	struct attempt_event *event;

	if (!attempt || attempt->flags & ATTEMPT_LEFT)
		return;
	attempt->left_ns = bpf_ktime_get_boot_ns();
	read_ends(&attempt->left, sk);
	/* The port of a failed attempt has been given back before this hook; only here it is still legible. */
	if (!attempt->left.sport)
		attempt->left.sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	attempt->established = to == TCP_ESTABLISHED;
	attempt->left_error = BPF_CORE_READ(sk, sk_err);
	/* Nothing came in, and nobody else closed it: connect() is about to fail. */
	attempt->at_once = to == TCP_CLOSE && !attempt->left_error && attempt->call &&
			   attempt->call == bpf_get_current_pid_tgid();
	if (!(__sync_fetch_and_or(&attempt->flags, ATTEMPT_LEFT) & ATTEMPT_TOLD))
		return;
	if (!attempt->call) {
		event = &attempt->event;
		event->ends = attempt->left;
		submit(event, ATTEMPT_CONNECT);
	}
	tell_outcome(attempt);
	bpf_map_delete_elem(&attempts, &key);
}

/* The hook of the socket's state. In a simultaneous open SYN_RECV comes in between, and is no end yet. */
static __always_inline void attempt_state(struct sock *sk, int from, int to)
{
	if (from == TCP_CLOSE && to == TCP_SYN_SENT)
		attempt_syn_sent(sk);
	else if (from == TCP_SYN_SENT && !(to == TCP_SYN_RECV && reports(ATTEMPT_OUTCOME)))
		attempt_syn_left(sk, to);
	else if (from == TCP_SYN_RECV && reports(ATTEMPT_OUTCOME))
		attempt_syn_left(sk, to);
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

/* No SYN was prepared, or there was no room to remember it: all that can be told is known now. */
static __always_inline void end_unseen(struct call *call, long ret)
{
	struct attempt *attempt = scratch(SCRATCH_END);
	struct attempt_event *event;

	if (!attempt)
		return;
	event = &attempt->event;
	event->ends = call->to;
	if (call->flow) {
		read_ends(&event->ends, call->flow);
	} else {
		if (ret == -EFAULT)
			return;
		if (!event->ends.family)
			read_destination(&event->ends, call->uaddr, call->addrlen, false);
		read_source(&event->ends, call->sk);
	}
	if (!event->ends.family || !ends_wanted(&event->ends))
		return;
	fill_task(event);
	event->id = call->id;
	event->start_ns = call->start_ns;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->netns = netns_of(call->sk);
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
	struct attempt_event *event;
	struct sock *sk = call->sk;

	if (!attempt || attempt->call != thread) {
		end_unseen(call, ret);
		return;
	}
	event = &attempt->event;
	/* If the socket leaves SYN_SENT while it is read, its port may be gone, but then that is known after it. */
	read_ends(&event->ends, call->flow);
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

static __always_inline void attempt_end(long ret)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
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
