/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Reads the figures of a connection from its socket. */
#ifndef SYNPIPE_LIFE_BPF_H
#define SYNPIPE_LIFE_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "kernel.h"

#define NO_RTT (~0U)

/*
 * Returns how far the socket has sent, from the SYN or, if it was accepted, from the first byte after it. SYN and FIN count as
 * bytes. The order of the reads matters while the socket is in use: the result may then be too large for a moment, but never
 * too small.
 */
static __always_inline __u64 sequence_sent(struct tcp_sock *tcp)
{
	__u32 una = BPF_CORE_READ(tcp, snd_una);
	__u64 acked = BPF_CORE_READ(tcp, bytes_acked);

	return acked + (__u32)(BPF_CORE_READ(tcp, snd_nxt) - una);
}

/* Returns the payload that was sent, each byte once; while the socket is in use also too large, if at all. */
static __always_inline __u64 payload_sent(struct tcp_sock *tcp)
{
	__u64 again = BPF_CORE_READ(tcp, bytes_retrans);

	return BPF_CORE_READ(tcp, bytes_sent) - again;
}

/* Returns the payload that was received in order. The FIN is counted before the flag is set. */
static __always_inline __u64 payload_received(struct tcp_sock *tcp)
{
	__u64 received = BPF_CORE_READ(tcp, bytes_received);

	if (!(BPF_CORE_READ((struct sock *)tcp, __sk_common.skc_flags) >> bpf_core_enum_value(enum sock_flags, SOCK_DONE) & 1))
		return received;
	return BPF_CORE_READ(tcp, bytes_received) - 1;
}

/* Fills the figures of a connection that this host opened. */
static __always_inline void read_life(struct attempt_life *life, struct sock *sk)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	__u64 sent = payload_sent(tcp), sequence = sequence_sent(tcp) - 1;
	__u32 rtt = BPF_CORE_READ(tcp, rtt_min.s[0].v);

	/* A packet that this host itself dropped on its way out counts as sent each time, but does not advance the sequence. */
	life->bytes_sent = sent < sequence ? sent : sequence;
	life->bytes_received = payload_received(tcp);
	life->segs_retransmitted = BPF_CORE_READ(tcp, total_retrans);
	life->srtt_us = BPF_CORE_READ(tcp, srtt_us) >> 3;
	life->min_rtt_us = rtt == NO_RTT ? 0 : rtt;
}

/*
 * Whether the socket has opened its connection. One whose port was chosen by connect() has: the kernel marks the port. Otherwise
 * it has if it sent a SYN, which a socket from accept() has not. While it is in use, or if this host itself dropped its packets,
 * that comparison may fail.
 */
static __always_inline bool opened_here(struct sock *sk, __u8 state)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	bool closing = state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2;
	bool fin = closing && BPF_CORE_READ(tcp, snd_nxt) == BPF_CORE_READ(tcp, write_seq); /* not if it is only queued */

	if (BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash, fastreuse) < 0)
		return true;
	return sequence_sent(tcp) - payload_sent(tcp) == 1 + fin;
}

#endif
