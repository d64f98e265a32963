/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Finds the sockets that were already waiting when the collector started and, if the ends of connections are reported, those
 * that were connected. The collector runs these iterators once, after attaching the hooks: first over the open files of all processes, which covers every network namespace, then over the TCP
 * sockets in the collector's namespace, for those without a file.
 */
#ifndef SYNPIPE_ADOPT_BPF_H
#define SYNPIPE_ADOPT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "call_entry.bpf.h"
#include "connection.bpf.h"
#include "endpoints.bpf.h"
#include "filter.bpf.h"
#include "life.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL
#define CGROUP_LEVELS 32

static __always_inline bool other_cgroup_wanted(const struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	for (int level = 0; level < CGROUP_LEVELS && cgroup; level++) {
		__u64 id = BPF_CORE_READ(cgroup, kn, id);

		for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.cgroup_count; i++)
			if (config.cgroups[i] == id)
				return true;
		cgroup = (struct cgroup *)BPF_CORE_READ(cgroup, self.parent); /* self is the first field */
	}
	return false;
}

/* Does the same as task_wanted, for a task other than the current one. */
static __always_inline bool other_task_wanted(const struct task_struct *task)
{
	__u32 uid = BPF_CORE_READ(task, cred, uid.val);
	bool wanted = config.pid_count == 0;

	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.pid_count; i++)
		if (config.pids[i] == (__u32)task->tgid)
			wanted = true;
	if (!wanted || (config.cgroup_count && !other_cgroup_wanted(task)))
		return false;
	if (config.uid_count == 0)
		return true;
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.uid_count; i++)
		if (config.uids[i] == uid)
			return true;
	return false;
}

/* Returns when the first SYN was sent, by the boot clock; the current time if none was sent yet (TCP Fast Open without data). */
static __always_inline __u64 syn_time_ns(struct sock *sk)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	__u64 now = bpf_ktime_get_boot_ns(), unit = NS_PER_MS;
	__u32 stamp = BPF_CORE_READ(tcp, retrans_stamp);

	if (!stamp)
		return now;
	if (bpf_core_field_exists(tcp->tcp_usec_ts) && BPF_CORE_READ_BITFIELD_PROBED(tcp, tcp_usec_ts))
		unit = NS_PER_US;
	return now - (__u32)((__u32)(bpf_ktime_get_ns() / unit) - stamp) * unit;
}

/* Whether the socket is waiting, or connected by this host, if the ends of connections are reported. */
static __always_inline bool adoptable(struct sock *sk, __u8 state)
{
	if (state == TCP_SYN_SENT)
		return true;
	if (!reports(ATTEMPT_CLOSED))
		return false;
	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT && state != TCP_FIN_WAIT1 && state != TCP_FIN_WAIT2)
		return false;
	return opened_here(sk, state);
}

/* Adds a connected socket to `connections`. A hook may have added its entry in the meantime. */
static __always_inline void adopt_connection(__u64 key, struct attempt *connection, __u8 state)
{
	struct attempt_event *event = &connection->event;

	event->start_ns = 0;
	event->established = true;
	if (state == TCP_CLOSE_WAIT)
		event->life.closed_by = ATTEMPT_CLOSED_REMOTE;
	else if (state != TCP_ESTABLISHED)
		event->life.closed_by = ATTEMPT_CLOSED_LOCAL;
	connection->flags = CONNECTION_REPORTED; /* it will have no outcome */
	if (!remember_connection(key, connection, BPF_NOEXIST) && !bpf_map_lookup_elem(&connections, &key))
		drop(ATTEMPT_DROP_CLOSE);
}

/* Adds a waiting socket to `attempts`; its first pending line is due at once. */
static __always_inline void adopt_attempt(__u64 key, struct attempt *attempt)
{
	attempt->left = attempt->event.endpoints;
	attempt->flags = ATTEMPT_RETURNED;
	attempt->look_ns = config.pending ? 0 : NEVER;
	/* The attempt is not lost if a hook has added its entry in the meantime. */
	if (!remember(key, attempt, BPF_NOEXIST) && !bpf_map_lookup_elem(&attempts, &key))
		drop(ATTEMPT_DROP_TABLE);
}

/* `task` is NULL if the socket belongs to no process. */
static __always_inline void adopt_socket(struct sock *sk, struct task_struct *task)
{
	__u64 key = (__u64)sk;
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	const struct sock_common *common;
	struct attempt_event *event;
	struct scratch *room;
	struct sock_copy buffer;

	if (!adoptable(sk, state) || !netns_wanted(sk))
		return;
	room = scratch(SCRATCH_OPEN);
	if (!room)
		return;
	event = &room->attempt.event;
	common = copy_sock(&buffer, sk);
	read_endpoints(&event->endpoints, common);
	if (!endpoints_wanted(&event->endpoints) || bpf_map_lookup_elem(&attempts, &key))
		return;
	/* Timestamps in whole milliseconds are often equal; the counter keeps the ids distinct. */
	event->start_ns = syn_time_ns(sk) + counters.adopted++;
	event->id = attempt_id(common->skc_cookie.counter, event->start_ns);
	event->netns = netns_of(common);
	event->existing = true;
	event->via = is_mptcp(sk) ? ATTEMPT_VIA_MPTCP : task ? ATTEMPT_VIA_CONNECT : ATTEMPT_VIA_KERNEL;
	if (task)
		fill_other_task(room, task);
	room->attempt.key = key;
	if (state == TCP_SYN_SENT)
		adopt_attempt(key, &room->attempt);
	else
		adopt_connection(key, &room->attempt, state);
}

SEC("iter/task_file")
int adopt_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	__u16 protocol;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || socket->type != SOCK_STREAM || !socket->sk)
		return 0;
	sk = socket->sk;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	if (protocol == IPPROTO_MPTCP && bpf_core_type_exists(struct mptcp_sock))
		sk = BPF_CORE_READ((struct mptcp_sock *)sk, first);
	else if (protocol != IPPROTO_TCP)
		return 0;
	if (sk && other_task_wanted(task))
		adopt_socket(sk, task);
	return 0;
}

SEC("iter/tcp")
int adopt_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;

	/* A filter on processes, users or cgroups never matches a socket without a process. */
	if (common && !config.pid_count && !config.uid_count && !config.cgroup_count)
		adopt_socket((struct sock *)common, NULL);
	return 0;
}

#endif
