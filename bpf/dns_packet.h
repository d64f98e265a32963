/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Shared by the kernel side and the collector: a DNS datagram or segment (port 53) as a socket sends or receives it. */
#ifndef SYNPIPE_DNS_PACKET_H
#define SYNPIPE_DNS_PACKET_H

#include <linux/types.h>

#include "process.h"

#define DNS_NETNS_MAX 64

enum dns_kind {
	DNS_QUERY,   /* an outgoing UDP datagram */
	DNS_ANSWER,  /* an incoming UDP datagram */
	DNS_TCP_OUT, /* the bytes of an outgoing TCP segment */
	DNS_TCP_IN,  /* the bytes of an incoming TCP segment */
};

/* The flags of a TCP header that matter here. */
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
 * A record in the ring buffer. Integers are in host order; an IPv4 address is IPv4-mapped, ::ffff:a.b.c.d. `data` holds a
 * struct process if `asker` is 1, then the bytes of the packet.
 */
struct dns_packet {
	__u64 time_ns; /* boot clock */
	__u64 socket;  /* its cookie */
	__u8 peer[16]; /* the peer's address in the packet */
	__u8 asked[16]; /* for a query: the server that the program asked, before any NAT; all zero: not known */
	__u32 netns;    /* inode number */
	__u32 seq;      /* TCP: sequence number of the first byte, or of the SYN */
	__u32 size;     /* bytes of the packet */
	__u8 kind;      /* enum dns_kind */
	__u8 flags;     /* enum dns_tcp_flag */
	__u8 connected; /* 1: the kernel delivers to this socket only packets from the server that it asks */
	__u8 asker;     /* for a UDP query, or the SYN to a server: 1 if the asking process is known */
	__u8 data[];
};

/* Constant once the programs are loaded. A count of 0 lets everything through. */
struct dns_config {
	__u32 netns[DNS_NETNS_MAX]; /* inode numbers */
	__u32 netns_count;
};

static_assert(sizeof(struct dns_packet) == 64, "no hidden padding");

#endif
