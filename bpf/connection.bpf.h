/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Follows an established connection to its end. Any context, except that a local close happens in the thread that closes.
 * The socket's lock serializes its changes of state, so only the outcome may be written at the same time as these run.
 */
#ifndef SYNPIPE_CONNECTION_BPF_H
#define SYNPIPE_CONNECTION_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "life.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

#define ERROR_IS_CAUSE_NS 100000000ULL /* for how long an error counts that the application has taken from the socket */
#define CONNECTION_DONE (CONNECTION_REPORTED | CONNECTION_CLOSED)

/* Adds an entry to `connections`. Returns false if the table is full, or `flags` do not allow it. */
static __always_inline bool remember_connection(__u64 key, const struct attempt *connection, __u64 flags)
{
	add(&counters.connected, 1);
	if (!bpf_map_update_elem(&connections, &key, connection, flags))
		return true;
	add(&counters.disconnected, 1);
	return false;
}

/* Deletes an entry. If the kernel refuses, as it may in an interrupt, look_at_connections finds the entry with its flags set. */
static __always_inline void forget_connection(__u64 key)
{
	if (!bpf_map_delete_elem(&connections, &key))
		add(&counters.disconnected, 1);
}

/* Deletes an earlier entry for this address: a connection whose end was not seen, which is a loss, or one already reported. */
static __always_inline void forget_earlier_connection(__u64 key)
{
	const struct attempt *earlier = bpf_map_lookup_elem(&connections, &key);

	if (!earlier)
		return;
	if ((earlier->flags & CONNECTION_DONE) != CONNECTION_DONE)
		drop(ATTEMPT_DROP_CLOSE);
	forget_connection(key);
}

/* The handshake is complete. The attempt's fields `left…` are set, but LEFT is not: its outcome will be written later. */
static __always_inline void connection_opened(__u64 key, const struct attempt *attempt)
{
	struct attempt *connection;

	forget_earlier_connection(key);
	connection = remember_connection(key, attempt, BPF_ANY) ? bpf_map_lookup_elem(&connections, &key) : NULL;
	if (!connection) {
		drop(ATTEMPT_DROP_CLOSE);
		return;
	}
	connection->event.endpoints = attempt->left;
	connection->event.established = true;
	connection->event.life = (struct attempt_life){.established_ns = attempt->left_ns};
	connection->icmp_ns = 0;
	connection->look_ns = 0;
	connection->left_error = 0;
	connection->flags = 0;
}

static __always_inline void report_closed(__u64 key, struct attempt *connection)
{
	submit(&connection->event, ATTEMPT_CLOSED);
	forget_connection(key);
}

/* The outcome of an attempt was written. If the connection has ended in the meantime, its end is written now. */
static __always_inline void connection_reported(__u64 key)
{
	struct attempt *connection = reports(ATTEMPT_CLOSED) ? bpf_map_lookup_elem(&connections, &key) : NULL;

	if (connection && __sync_fetch_and_or(&connection->flags, CONNECTION_REPORTED) & CONNECTION_CLOSED)
		report_closed(key, connection);
}

/*
 * Keeps an error that the kernel is about to report to the application, which may take it from the socket before the socket's
 * state changes.
 */
static __always_inline void connection_error(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct attempt *connection = bpf_map_lookup_elem(&connections, &key);
	int error = connection ? BPF_CORE_READ(sk, sk_err) : 0;

	if (!error || connection->flags & CONNECTION_CLAIMED)
		return;
	connection->left_error = error;
	connection->icmp_ns = bpf_ktime_get_boot_ns();
}

/* Returns how a connection ended that no FIN has started to close. */
static __always_inline enum attempt_closed_by abrupt_end(__u16 error)
{
	switch (error) {
	case 0:
		return ATTEMPT_CLOSED_RESET_SENT;
	case EPIPE:
	case ECONNRESET:
		return ATTEMPT_CLOSED_RESET_RECEIVED;
	case ECONNABORTED:
		return ATTEMPT_CLOSED_KILLED;
	default:
		return ATTEMPT_CLOSED_TIMEOUT;
	}
}

static __always_inline void connection_closed(struct sock *sk, __u64 key, struct attempt *connection)
{
	struct attempt_event *event = &connection->event;
	struct attempt_life *life = &event->life;

	if (__sync_fetch_and_or(&connection->flags, CONNECTION_CLAIMED) & CONNECTION_CLAIMED)
		return;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->error = READ_GIVEN(sk, sk_err);
	if (!event->error && event->time_ns - connection->icmp_ns < ERROR_IS_CAUSE_NS)
		event->error = connection->left_error;
	read_life(life, sk);
	if (!life->closed_by) {
		life->closed_by = abrupt_end(event->error);
		life->exiting = life->closed_by == ATTEMPT_CLOSED_RESET_SENT && current()->flags & PF_EXITING;
	}
	if (__sync_fetch_and_or(&connection->flags, CONNECTION_CLOSED) & CONNECTION_REPORTED)
		report_closed(key, connection);
}

/* Returns the entry of an MPTCP connection, which is that of its first subflow. */
static __always_inline struct attempt *mptcp_connection(struct sock *sk)
{
	__u64 key;

	if (!bpf_core_type_exists(struct mptcp_sock) || READ_GIVEN(sk, sk_protocol) != IPPROTO_MPTCP)
		return NULL;
	key = (__u64)BPF_CORE_READ((struct mptcp_sock *)sk, first);
	return bpf_map_lookup_elem(&connections, &key);
}

/* Counts a connection whose end no program saw as lost, unless one sees it just now. */
static __always_inline void lose_connection(__u64 key, struct attempt *connection)
{
	if (__sync_fetch_and_or(&connection->flags, CONNECTION_CLAIMED) & CONNECTION_CLAIMED)
		return;
	drop(ATTEMPT_DROP_CLOSE);
	forget_connection(key);
}

/*
 * Whether the connection is this socket's. Its own may be gone, if no program saw its end, and another one that is not followed may
 * have the same memory by now. At the end of a connection the local port is already 0.
 */
static __always_inline bool is_own(const struct attempt *connection, const struct sock *sk)
{
	const struct attempt_endpoints *own = &connection->event.endpoints;
	__u16 sport = BPF_CORE_READ(sk, __sk_common.skc_num);

	return BPF_CORE_READ(sk, __sk_common.skc_dport) == bpf_htons(own->dport) && (!sport || !own->sport || sport == own->sport);
}

/* Handles a change of the state of a socket that was established. Two programs may call this for the same change. */
static __always_inline void connection_state(struct sock *sk, int to)
{
	__u64 key = (__u64)sk;
	struct attempt *connection = bpf_map_lookup_elem(&connections, &key);
	struct attempt_life *life;

	if (connection && !is_own(connection, sk)) {
		lose_connection(key, connection);
		return;
	}
	if (to == TCP_CLOSE) {
		if (connection)
			connection_closed(sk, key, connection);
		return;
	}
	if (to != TCP_FIN_WAIT1 && to != TCP_CLOSE_WAIT)
		return;
	if (!connection)
		connection = mptcp_connection(sk);
	if (!connection || connection->event.life.closed_by)
		return;
	life = &connection->event.life;
	life->exiting = to == TCP_FIN_WAIT1 && current()->flags & PF_EXITING;
	life->closed_by = to == TCP_FIN_WAIT1 ? ATTEMPT_CLOSED_LOCAL : ATTEMPT_CLOSED_REMOTE;
}

#endif
