/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Shared by the kernel side and the collector: the record of one attempt, the filters, the counters. */
#ifndef SYNPIPE_ATTEMPT_H
#define SYNPIPE_ATTEMPT_H

#include <linux/types.h>

#include "process.h"

#define ATTEMPT_FILTER_MAX 64

/* When a connect line and the first pending line are due, counted from the call, if the attempt is still waiting. */
#define ATTEMPT_CONNECT_DUE_NS 50000000ULL
#define ATTEMPT_PENDING_DUE_NS 1000000000ULL

/* What a record reports. CONNECT, OUTCOME and CLOSED are also bits of attempt_config.report. */
enum attempt_kind {
	ATTEMPT_CONNECT = 1,
	ATTEMPT_OUTCOME = 2,
	ATTEMPT_PENDING = 4,
	ATTEMPT_CLOSED = 8, /* the end of an established connection; OUTCOME is set too */
	ATTEMPT_OPEN = 16,  /* a connection that is still open */
	ATTEMPT_SYMBOL = 32, /* not an event: process.exe is the name of the kernel function at the address `id` */
};

/* The netfilter hook that dropped a packet. Each is less than any address of a function. */
enum attempt_hook {
	ATTEMPT_HOOK_NONE,
	ATTEMPT_HOOK_INPUT,
	ATTEMPT_HOOK_OUTPUT,
	ATTEMPT_HOOK_POSTROUTING,
	ATTEMPT_HOOKS,
};

/* Which arguments the tracepoint kfree_skb has. */
enum attempt_drop_arguments {
	ATTEMPT_DROPS_OFF,    /* drops are not reported */
	ATTEMPT_DROPS_REASON, /* a reason: since Linux 5.17 */
	ATTEMPT_DROPS_SOCKET, /* also the socket that was to receive the packet: since Linux 6.11 */
};

/* How the end of a connection began: the side of the first FIN or RST. */
enum attempt_closed_by {
	ATTEMPT_CLOSED_UNKNOWN, /* it has not ended */
	ATTEMPT_CLOSED_LOCAL,
	ATTEMPT_CLOSED_REMOTE,
	ATTEMPT_CLOSED_RESET_SENT,
	ATTEMPT_CLOSED_RESET_RECEIVED,
	ATTEMPT_CLOSED_TIMEOUT,
	ATTEMPT_CLOSED_KILLED, /* by an administrator: ss -K */
};

/* How often a waiting attempt is reported. */
enum attempt_pending {
	ATTEMPT_PENDING_OFF,
	ATTEMPT_PENDING_ONCE,
	ATTEMPT_PENDING_REPEAT, /* again when 2, 4, 8, 16 … s have passed since its start */
};

/* How the attempt was started. */
enum attempt_via {
	ATTEMPT_VIA_CONNECT,
	ATTEMPT_VIA_SENDMSG, /* TCP Fast Open */
	ATTEMPT_VIA_IO_URING,
	ATTEMPT_VIA_KERNEL,
	ATTEMPT_VIA_MPTCP,
};

/* Why a record is missing: the index into attempt_counters.drops. RING and TABLE count attempts, CLOSE connections. */
enum attempt_drop {
	ATTEMPT_DROP_RING,   /* the ring buffer had no room for the last record of an attempt */
	ATTEMPT_DROP_UPDATE, /* the ring buffer had no room for another record */
	ATTEMPT_DROP_TABLE,  /* `calls` or `attempts` had no room, or no program saw the end */
	ATTEMPT_DROP_CLOSE,  /* `connections` or the ring buffer had no room, or no program saw the end */
	ATTEMPT_DROPS,
};

/* The two endpoints of a connection. IPv4 addresses, IPv4-mapped ones included, are in the first four bytes. */
struct attempt_endpoints {
	__u8 saddr[16]; /* network order; all zero: not known */
	__u8 daddr[16]; /* network order */
	__u16 sport;    /* host order; 0: not known */
	__u16 dport;    /* host order */
	__u8 family;    /* 4 or 6; 0: the destination is not known */
	__u8 v4mapped;  /* 1: an IPv6 socket that connects to ::ffff:a.b.c.d */
	__u8 pad[2];
};

/* The packets of a socket that this host's kernel has dropped. */
struct attempt_dropped {
	__u64 at;     /* where it dropped the last one: enum attempt_hook, or an address in a kernel function; 0: not known */
	__u32 count;  /* 0: none */
	__u32 reason; /* of the last one: enum skb_drop_reason, or a subsystem in the upper 16 bits and its own number below */
};

/* The ICMP error that answered a SYN. */
struct attempt_icmp {
	__u8 from[16]; /* network order: who sent it */
	__u16 error;   /* the errno that the kernel maps it to */
	__u8 family;   /* 4 or 6; 0: there was no error */
	__u8 type;
	__u8 code;
	__u8 pad[3];
};

/* The life of a connection: up to its end, or so far. All numbers are the kernel's own, from struct tcp_sock. */
struct attempt_life {
	__u64 established_ns; /* 0: before the collector's start */
	__u64 bytes_sent;     /* payload, each byte once, whether acknowledged or not */
	__u64 bytes_received; /* payload, in order */
	__u32 segs_retransmitted;
	__u32 srtt_us;    /* smoothed; 0: not known */
	__u32 min_rtt_us; /* over the kernel's window; 0: not known */
	__u8 closed_by;   /* enum attempt_closed_by */
	__u8 exiting;     /* 1: the process that closed it was exiting */
	__u8 pad[2];
};

/*
 * A record in the ring buffer. It is cut off after the used bytes of `process.exe`.
 * Integers are in host order, times are nanoseconds of the boot clock.
 */
struct attempt_event {
	__u64 id;       /* socket cookie, or, if bit 63 is set, made from start_ns and the CPU */
	__u64 start_ns; /* of the call; without a call, of SYN_SENT; for an attempt from before the start, of the first SYN; for a
			   connection from before the start: 0 */
	__u64 time_ns;  /* outcome, closed: when it ended; pending, open: when it was looked at; connect: not set */
	__u32 netns;       /* inode number */
	__u32 retransmits; /* SYNs that were retransmitted */
	__u16 error;       /* connect: errno if the call failed, else 0; outcome, closed: why it ended, 0 if not known */
	__u8 kind;         /* enum attempt_kind */
	__u8 via;          /* enum attempt_via */
	__u8 established;  /* outcome: 1 if it was established */
	__u8 existing;     /* 1: it was waiting or open when the collector started */
	__u8 pad[2];
	struct attempt_endpoints endpoints;
	struct attempt_dropped dropped; /* outcome, pending: while it waited; closed, open: since the call */
	union {
		struct attempt_icmp icmp; /* connect, outcome, pending */
		struct attempt_life life; /* closed, open */
	};
	struct process process;
};

/*
 * What has happened to an attempt. The program that sets the second of RETURNED and LEFT writes the outcome and frees the
 * entry.
 */
enum attempt_flag {
	ATTEMPT_RETURNED = 1, /* its call has returned; set from the start if there is no call */
	ATTEMPT_LEFT = 2,     /* it has left SYN_SENT, and the fields `left…` are set */
	ATTEMPT_CLAIMED = 4,  /* the program that set this writes its connect record */
	ATTEMPT_LOOKED = 8,   /* the last look at open attempts has counted and reported it */
};

/*
 * What has happened to a connection. The program that sets the second of REPORTED and CLOSED writes the closed record and frees
 * the entry.
 */
enum connection_flag {
	CONNECTION_REPORTED = 1, /* its outcome has been written */
	CONNECTION_CLOSED = 2,   /* it has ended, and its event is complete */
	CONNECTION_CLAIMED = 4,  /* the program that set this handles its end */
};

/* A socket in SYN_SENT, in the map `attempts`; or a connection, in the map `connections`. */
struct attempt {
	__u64 key;     /* its key in the map: the socket's address */
	__u64 call;    /* the thread in connect(), whose return sets RETURNED; 0: started in another way */
	__u64 left_ns; /* when it left SYN_SENT */
	__u64 icmp_ns; /* when event.icmp arrived */
	__u64 look_ns; /* when its next pending line is due */
	__u64 gone_ns; /* when it was first seen closed although no program saw it leave SYN_SENT; 0: still in SYN_SENT */
	struct attempt_endpoints left; /* as of left_ns: by the time a failed connect() returns, the socket has lost them */
	__u16 left_error; /* the socket's errno at left_ns */
	__u8 established; /* 1: it left SYN_SENT for an established state */
	__u8 at_once;     /* 1: the call itself gave up, so its errno is the cause */
	__u8 pad[4];
	struct attempt_event event;
	/* enum attempt_flag or connection_flag, set atomically; after everything else, so that they show whether a copy is whole */
	__u32 flags;
	__u32 pad2;
};

/* The phase of the collector's run: bits of attempt_counters.phase. */
enum attempt_phase {
	ATTEMPT_PHASE_HOOKED = 1,     /* all hooks are attached */
	ATTEMPT_PHASE_LAST_CALLS = 2, /* the last look at calls, which reports every waiting one, due or not */
	ATTEMPT_PHASE_LAST_OPEN = 4,  /* the last look at open attempts */
};

/* Mapped into the collector's memory, so that reading them needs no system call. */
struct attempt_counters {
	__u64 drops[ATTEMPT_DROPS];
	__u64 late; /* calls whose entry no program saw, although their SYN was seen */
	__u64 pad[4];
	__u64 opened; /* entries ever added to `attempts` */
	__u64 closed; /* entries ever deleted from it */
	__u64 calls;      /* calls in progress that have sent a SYN and are not in `attempts`: only if outcomes are not reported */
	__u64 due_ns;     /* written by the iterators: when the next line is due for anything they have seen */
	__u64 still_open; /* counted by the last look at open attempts */
	__u32 phase;      /* enum attempt_phase, set by the collector */
	__u32 more;       /* set by a look that stopped early: the ring buffer has too little room */
	__u32 adopted;    /* sockets that were waiting or connected at the start */
	__u32 pad2;
	__u64 connected;    /* entries ever added to `connections` */
	__u64 disconnected; /* entries ever deleted from it */
	__u64 report_ns;    /* when the current report of all open connections began; 0: they are only checked */
};

/* Ports from the first to the last, host order. */
struct attempt_ports {
	__u16 first;
	__u16 last;
};

/* The filters, constant once the programs are loaded. A count of 0 lets everything through. */
struct attempt_config {
	__u64 cgroups[ATTEMPT_FILTER_MAX]; /* ids of the cgroups in the map `wanted_cgroups` */
	__u32 pids[ATTEMPT_FILTER_MAX];
	__u32 uids[ATTEMPT_FILTER_MAX];
	__u32 netns[ATTEMPT_FILTER_MAX]; /* inode numbers */
	struct attempt_ports ports[ATTEMPT_FILTER_MAX]; /* destination */
	__u32 pid_count;
	__u32 uid_count;
	__u32 netns_count;
	__u32 port_count;
	__u32 cgroup_count;
	__u32 family;  /* 4, 6, or 0 for both */
	__u32 report;  /* enum attempt_kind: CONNECT, OUTCOME or both; OUTCOME may be joined by CLOSED */
	__u32 pending; /* enum attempt_pending */
	__u32 drops;   /* enum attempt_drop_arguments */
	__u32 pad;
};

static_assert(sizeof(struct attempt_endpoints) == 40, "no hidden padding");
static_assert(sizeof(struct attempt_dropped) == 16, "no hidden padding");
static_assert(sizeof(struct attempt_icmp) == 24, "no hidden padding");
static_assert(sizeof(struct attempt_life) == 40, "no hidden padding");
static_assert(sizeof(struct attempt_event) == 136 + sizeof(struct process), "no hidden padding");
static_assert(sizeof(struct attempt) == 104 + sizeof(struct attempt_event), "no hidden padding");

#endif
