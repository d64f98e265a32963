/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What all tiers share: the maps, and one helper per step of an attempt. The file of a tier contains only the entry points.
 *
 *   call_entered      a call that may start an attempt is about to run  (thread context)
 *   attempt_syn_sent  a socket goes from CLOSE to SYN_SENT              (thread context)
 *   attempt_syn_left  a socket leaves SYN_SENT                          (any context)
 *   call_returned     the call has returned                             (thread context)
 *
 * The last two may happen in either order, or at the same time. Whichever is second writes the outcome, so that an outcome
 * never precedes its connect record.
 *
 *   connection_state               a connection starts to end, or ends (any context)
 *   attempt_icmp4, attempt_icmp6   an ICMP error answered a SYN       (any context)
 *   packet_dropped                 the kernel drops a packet          (any context)
 *   adopt_files, adopt_sockets     find what was waiting at the start (iterators)
 *   look_at_open, look_at_call     find what is waiting now           (iterators)
 *   look_at_connections            find what is connected now         (iterator)
 */
#ifndef SYNPIPE_ATTEMPT_BPF_H
#define SYNPIPE_ATTEMPT_BPF_H

#include "adopt.bpf.h"
#include "call_entry.bpf.h"
#include "call_return.bpf.h"
#include "connection.bpf.h"
#include "drop.bpf.h"
#include "icmp.bpf.h"
#include "left.bpf.h"
#include "look.bpf.h"
#include "look_connections.bpf.h"
#include "syn_sent.bpf.h"

/* In a simultaneous open the socket passes through SYN_RECV: the attempt has not ended yet. */
static __always_inline void attempt_state_left(struct sock *sk, int from, int to)
{
	if (from == TCP_SYN_SENT && !(to == TCP_SYN_RECV && reports(ATTEMPT_OUTCOME)))
		attempt_syn_left(sk, to);
	else if (from == TCP_SYN_RECV && reports(ATTEMPT_OUTCOME))
		attempt_syn_left(sk, to);
	else if (reports(ATTEMPT_CLOSED) && from != TCP_LISTEN && from != TCP_CLOSE)
		connection_state(sk, to);
}

/* The kernel is about to report a socket's error to the application. */
static __always_inline void attempt_error(struct sock *sk)
{
	if (reports(ATTEMPT_CLOSED))
		connection_error(sk);
	attempt_icmp4(sk);
}

/*
 * Two programs are attached to the hook of the socket's state: one calls this function, the other attempt_state_left. The
 * kernel skips a program that is already running on the same CPU, for example if a timer or a packet interrupts it; the
 * other one can still run. Whichever runs first reports.
 */
static __always_inline void attempt_state(struct sock *sk, int from, int to)
{
	if (from == TCP_CLOSE && to == TCP_SYN_SENT)
		attempt_syn_sent(sk, SCRATCH_SYN_SENT);
	else
		attempt_state_left(sk, from, to);
}

#endif
