/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A socket leaves SYN_SENT. Any context: never look at the current task. */
#ifndef SYNPIPE_LEFT_BPF_H
#define SYNPIPE_LEFT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ends.bpf.h"
#include "icmp.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"

/* True for the one caller that writes its connect record. Never if there is none to write. */
static __always_inline bool claims_connect(struct attempt *attempt)
{
	return reports(ATTEMPT_CONNECT) && !(__sync_fetch_and_or(&attempt->flags, ATTEMPT_CLAIMED) & ATTEMPT_CLAIMED);
}

/*
 * The errno that the application got. An ICMP error that comes while connect() holds the socket is not in sk_err: the
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

/* The last word on an attempt: both sides are done, and nobody else looks at it. */
static __always_inline void fill_outcome(struct attempt *attempt)
{
	struct attempt_event *event = &attempt->event;

	event->established = attempt->established;
	set_cause(attempt);
	event->ends = attempt->left;
	event->time_ns = attempt->left_ns;
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
	read_ends(&attempt->left, copy_sock(&buffer, sk));
	/* The port of a failed attempt has been given back before this hook; only here it is still legible. */
	if (!attempt->left.sport)
		attempt->left.sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	attempt->established = to == TCP_ESTABLISHED;
	attempt->left_error = READ_GIVEN(sk, sk_err);
	event->retransmits = retransmits(sk);
	if (attempt->left_error && take_icmp6(attempt, &attempt->left, attempt->left_ns - ICMP_IS_CAUSE_NS))
		event->icmp.error = attempt->left_error;
	/* Nothing came in, and nobody else closed it: connect() is about to fail. */
	attempt->at_once = to == TCP_CLOSE && !attempt->left_error && attempt->call &&
			   !(attempt->flags & ATTEMPT_RETURNED) && attempt->call == bpf_get_current_pid_tgid();
	if (!(__sync_fetch_and_or(&attempt->flags, ATTEMPT_LEFT) & ATTEMPT_RETURNED))
		return;
	if (claims_connect(attempt)) {
		event->ends = attempt->left;
		submit(event, ATTEMPT_CONNECT);
	}
	fill_outcome(attempt);
	submit(event, ATTEMPT_OUTCOME);
	forget(key);
}

#endif
