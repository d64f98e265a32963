/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A socket leaves SYN_SENT. Any context: never look at the current task. */
#ifndef SYNPIPE_LEFT_BPF_H
#define SYNPIPE_LEFT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ends.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"

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
	struct attempt *attempt = any_remembered() ? bpf_map_lookup_elem(&attempts, &key) : NULL;
	struct sock_copy buffer;
	struct attempt_event *event;

	if (!attempt || attempt->flags & ATTEMPT_LEFT)
		return;
	attempt->left_ns = bpf_ktime_get_boot_ns();
	read_ends(&attempt->left, copy_sock(&buffer, sk));
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
	forget(key);
}

#endif
