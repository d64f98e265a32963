/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Everything the tiers have in common: maps, and one helper per step of an attempt. A tier's own file has
 * only the entry points.
 *
 *   attempt_begin     a call is about to run that may make one  (thread context)
 *   attempt_syn_sent  a socket goes CLOSE -> SYN_SENT           (thread context)
 *   attempt_syn_left  a socket leaves SYN_SENT                  (any context)
 *   attempt_end       that call returned                        (thread context)
 *
 * The last two may come in either order and at the same time. Whichever is second writes the outcome, so that it
 * never comes before its connect.
 *
 *   attempt_icmp4, attempt_icmp6   an ICMP error answered a SYN   (any context)
 *   adopt_file, adopt_socket       what was waiting at the start  (iterators)
 *   look_at_open, look_at_call     what waits now                 (iterators)
 */
#ifndef SYNPIPE_ATTEMPT_BPF_H
#define SYNPIPE_ATTEMPT_BPF_H

#include "adopt.bpf.h"
#include "begin.bpf.h"
#include "end.bpf.h"
#include "icmp.bpf.h"
#include "left.bpf.h"
#include "look.bpf.h"
#include "syn_sent.bpf.h"

/* In a simultaneous open SYN_RECV comes in between: the attempt has not ended yet. */
static __always_inline void attempt_state_left(struct sock *sk, int from, int to)
{
	if (from == TCP_SYN_SENT && !(to == TCP_SYN_RECV && reports(ATTEMPT_OUTCOME)))
		attempt_syn_left(sk, to);
	else if (from == TCP_SYN_RECV && reports(ATTEMPT_OUTCOME))
		attempt_syn_left(sk, to);
}

/*
 * The hook of the socket's state has two programs, this and attempt_state_left: the kernel does not run one that is
 * running on the same CPU already, as when a timer or a packet comes in the middle of it. Whichever runs first reports.
 */
static __always_inline void attempt_state(struct sock *sk, int from, int to)
{
	if (from == TCP_CLOSE && to == TCP_SYN_SENT)
		attempt_syn_sent(sk);
	else
		attempt_state_left(sk, from, to);
}

#endif
