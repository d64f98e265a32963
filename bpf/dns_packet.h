/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel side and the collector share about DNS: a datagram or segment of port 53, as a socket has it. */
#ifndef SYNPIPE_DNS_PACKET_H
#define SYNPIPE_DNS_PACKET_H

#include <linux/types.h>

#include "process.h"

#define DNS_NETNS_MAX 64

enum dns_kind {
	DNS_QUERY,   /* a UDP datagram on its way out */
	DNS_ANSWER,  /* one that came in */
	DNS_TCP_OUT, /* the bytes of a segment on its way out */
	DNS_TCP_IN,
};

/* Bits of a TCP segment's head that matter here. */
enum dns_tcp_flag {
	DNS_TCP_FIN = 1,
	DNS_TCP_SYN = 2,
	DNS_TCP_RST = 4,
};

/* Why a packet is missing from the ring buffer: the index into the map `dns_drops`. */
enum dns_drop {
	DNS_DROP_QUERY, /* no room for a query: its answer will not be reported */
	DNS_DROP_OTHER, /* no room for an answer, or for a part of a TCP connection */
	DNS_DROPS,
};

/*
 * A record in the ring buffer. Integers are in host order; an IPv4 address is IPv4-mapped, ::ffff:a.b.c.d. Then, if
 * `asker` is 1, a struct process; then the bytes.
 */
struct dns_packet {
	__u64 time_ns; /* boot clock */
	__u64 socket;  /* its cookie */
	__u8 peer[16]; /* the other end, as the packet has it */
	__u8 asked[16]; /* a query: whom the program asked, which a NAT may have changed; all zero: not known */
	__u32 netns;    /* inode number */
	__u32 seq;      /* TCP: of the first byte, or of the SYN */
	__u32 size;     /* bytes of the packet */
	__u8 kind;      /* enum dns_kind */
	__u8 flags;     /* enum dns_tcp_flag */
	__u8 connected; /* 1: the kernel lets this socket have only packets of the one that it asks */
	__u8 asker;     /* a UDP query, or the SYN to a server: 1 if it is known who asked */
	__u8 data[];
};

/* Constant once the programs are loaded. A count of 0 lets everything through. */
struct dns_config {
	__u32 netns[DNS_NETNS_MAX]; /* inode numbers */
	__u32 netns_count;
};

static_assert(sizeof(struct dns_packet) == 64, "no hidden padding");

#endif
