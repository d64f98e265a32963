/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Handles a socket that leaves SYN_SENT. Any context: the current task may have nothing to do with the socket. */
#ifndef SYNPIPE_LEFT_BPF_H
#define SYNPIPE_LEFT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "connection.bpf.h"
#include "endpoints.bpf.h"
#include "icmp.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"

/* Returns true to the one caller that must write the connect record; always false if connects are not reported. */
static __always_inline bool claims_connect(struct attempt *attempt)
{
	return reports(ATTEMPT_CONNECT) && !(__sync_fetch_and_or(&attempt->flags, ATTEMPT_CLAIMED) & ATTEMPT_CLAIMED);
}

/*
 * Sets the errno that the application got. An ICMP error that arrives while connect() holds the socket is not in sk_err: the
 * application reads it with SO_ERROR and closes the socket.
 */
static __always_inline void set_cause(struct attempt *attempt)
{
	struct attempt_event *event = &attempt->event;
	__u16 icmp = event->icmp.family && !event->established ? event->icmp.error : 0;

	if (event->established)
		event->error = 0;
	else if (!attempt->at_once)
		event->error = attempt->left_error ?: icmp;
	if (!icmp || event->error != icmp ||
	    (attempt->left_error == ECONNREFUSED && attempt->left_ns - attempt->icmp_ns > ICMP_IS_CAUSE_NS))
		event->icmp.family = 0;
}

/* Completes the outcome. Both flags are set, so no other program uses the entry any more. */
static __always_inline void fill_outcome(struct attempt *attempt)
{
	struct attempt_event *event = &attempt->event;

	event->established = attempt->established;
	set_cause(attempt);
	event->endpoints = attempt->left;
	event->time_ns = attempt->left_ns;
}

/* Reports an attempt of which no program saw the end or the return, or counts it as lost if its cause is not known. */
static __always_inline void report_unseen(__u64 key, struct attempt *attempt)
{
	if (claims_connect(attempt)) {
		attempt->event.endpoints = attempt->left;
		submit(&attempt->event, ATTEMPT_CONNECT);
	}
	fill_outcome(attempt);
	if (reports(ATTEMPT_OUTCOME) && (attempt->established || attempt->event.error))
		submit(&attempt->event, ATTEMPT_OUTCOME);
	else if (reports(ATTEMPT_OUTCOME))
		drop(ATTEMPT_DROP_TABLE);
	connection_reported(key);
	forget(key);
}

static __always_inline __u32 retransmits(struct sock *sk)
{
	return BPF_CORE_READ((struct tcp_sock *)sk, total_retrans);
}

static __always_inline void attempt_syn_left(struct sock *sk, int to)
{
	__u64 key = (__u64)sk;
	struct attempt *attempt = any_open() ? bpf_map_lookup_elem(&attempts, &key) : NULL;
	struct sock_copy buffer;
	struct attempt_event *event;

	if (!attempt || attempt->flags & ATTEMPT_LEFT)
		return;
	event = &attempt->event;
	attempt->left_ns = bpf_ktime_get_boot_ns();
	read_endpoints(&attempt->left, copy_sock(&buffer, sk));
	/* A failed attempt has released its port before this hook runs; only inet_sport still has it. */
	if (!attempt->left.sport)
		attempt->left.sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	attempt->established = to == TCP_ESTABLISHED;
	attempt->left_error = READ_GIVEN(sk, sk_err);
	event->retransmits = retransmits(sk);
	if (attempt->left_error && take_icmp6(attempt, &attempt->left, attempt->left_ns - ICMP_IS_CAUSE_NS))
		event->icmp.error = attempt->left_error;
	/* Nothing was received, and the calling thread itself closed the socket: connect() is about to fail. */
	attempt->at_once = to == TCP_CLOSE && !attempt->left_error && attempt->call &&
			   !(attempt->flags & ATTEMPT_RETURNED) && attempt->call == bpf_get_current_pid_tgid();
	if (attempt->established && reports(ATTEMPT_CLOSED))
		connection_opened(key, attempt);
	if (!(__sync_fetch_and_or(&attempt->flags, ATTEMPT_LEFT) & ATTEMPT_RETURNED))
		return;
	if (claims_connect(attempt)) {
		event->endpoints = attempt->left;
		submit(event, ATTEMPT_CONNECT);
	}
	fill_outcome(attempt);
	submit(event, ATTEMPT_OUTCOME);
	connection_reported(key);
	forget(key);
}

#endif
