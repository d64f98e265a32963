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

/* What a record reports. The first two are also bits of attempt_config.report. */
enum attempt_kind {
	ATTEMPT_CONNECT = 1,
	ATTEMPT_OUTCOME = 2,
	ATTEMPT_PENDING = 4,
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

/* Why a record is missing: the index into attempt_counters.drops. All but UPDATE count attempts. */
enum attempt_drop {
	ATTEMPT_DROP_RING,   /* the ring buffer had no room for the last record of an attempt */
	ATTEMPT_DROP_UPDATE, /* the ring buffer had no room for another record */
	ATTEMPT_DROP_TABLE,  /* `calls` or `attempts` had no room, or no program saw the end */
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

/* The ICMP error that answered a SYN. */
struct attempt_icmp {
	__u8 from[16]; /* network order: who sent it */
	__u16 error;   /* the errno that the kernel maps it to */
	__u8 family;   /* 4 or 6; 0: there was no error */
	__u8 type;
	__u8 code;
	__u8 pad[3];
};

/*
 * A record in the ring buffer, or from the iterator look_at_open. It is cut off after the used bytes of `process.exe`.
 * Integers are in host order, times are nanoseconds of the boot clock.
 */
struct attempt_event {
	__u64 id;       /* socket cookie, or, if bit 63 is set, made from start_ns and the CPU */
	__u64 start_ns; /* of the call; without a call, of SYN_SENT; for an attempt from before the start, of the first SYN */
	__u64 time_ns;  /* outcome: when it ended; pending: when it was looked at; connect: not set */
	__u32 netns;       /* inode number */
	__u32 retransmits; /* SYNs that were retransmitted */
	__u16 error;       /* connect: errno if the call failed, else 0; outcome: why it ended, 0 if not known */
	__u8 kind;         /* enum attempt_kind */
	__u8 via;          /* enum attempt_via */
	__u8 established;  /* outcome: 1 if it was established */
	__u8 existing;     /* 1: it was waiting when the collector started */
	__u8 pad[2];
	struct attempt_endpoints endpoints;
	struct attempt_icmp icmp;
	struct process process;
};

/* The size of a record from the iterator, which is padded to 8 bytes. */
#define ATTEMPT_EVENT_BYTES(exe_size) (sizeof(struct attempt_event) - PROCESS_EXE_BYTES + (((exe_size) + 7) & ~7ULL))

/*
 * What has happened to an attempt. The program that sets the second of RETURNED and LEFT writes the outcome and frees the
 * entry.
 */
enum attempt_flag {
	ATTEMPT_RETURNED = 1, /* its call has returned; set from the start if there is no call */
	ATTEMPT_LEFT = 2,     /* it has left SYN_SENT, and the fields `left…` are set */
	ATTEMPT_CLAIMED = 4,  /* the program that set this writes its connect record */
};

/* A socket in SYN_SENT, in the map `attempts`. */
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
	__u32 flags; /* enum attempt_flag, set atomically; after everything else, so that they show whether a copy is whole */
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
	__u32 adopted;    /* sockets that were waiting at the start */
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
	__u32 report;  /* enum attempt_kind: one or both of the first two */
	__u32 pending; /* enum attempt_pending */
};

static_assert(sizeof(struct attempt_endpoints) == 40, "no hidden padding");
static_assert(sizeof(struct attempt_icmp) == 24, "no hidden padding");
static_assert(sizeof(struct attempt_event) == 104 + sizeof(struct process), "no hidden padding");
static_assert(sizeof(struct attempt) == 104 + sizeof(struct attempt_event), "no hidden padding");

#endif
