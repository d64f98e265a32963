/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel side and the collector share: the record of one attempt, the filters, the losses. */
#ifndef SYNPIPE_ATTEMPT_H
#define SYNPIPE_ATTEMPT_H

#include <linux/types.h>

#define ATTEMPT_COMM_BYTES 16
#define ATTEMPT_EXE_BYTES 256
#define ATTEMPT_FILTER_MAX 64

/* What a record tells, and which of the two are asked for: bits of attempt_config.report. */
enum attempt_kind {
	ATTEMPT_CONNECT = 1,
	ATTEMPT_OUTCOME = 2,
};

/* How the attempt was made. */
enum attempt_via {
	ATTEMPT_VIA_CONNECT,
	ATTEMPT_VIA_SENDMSG, /* TCP Fast Open */
	ATTEMPT_VIA_IO_URING,
	ATTEMPT_VIA_KERNEL,
	ATTEMPT_VIA_MPTCP,
};

/* Why a record is missing from the ring buffer: the index into the map `drops`. */
enum attempt_drop {
	ATTEMPT_DROP_RING,  /* no room in the ring buffer */
	ATTEMPT_DROP_TABLE, /* no room in `calls` or `attempts`, or an end that was never seen */
	ATTEMPT_DROPS,
};

/* Both ends of a connection. IPv4 addresses are in the first four bytes, IPv4-mapped ones too. */
struct attempt_ends {
	__u8 saddr[16]; /* network order; all zero: not known */
	__u8 daddr[16]; /* network order */
	__u16 sport;    /* host order; 0: not known */
	__u16 dport;    /* host order */
	__u8 family;    /* 4 or 6; 0: no destination known */
	__u8 v4mapped;  /* 1: an IPv6 socket that talks to ::ffff:a.b.c.d */
	__u8 pad[2];
};

/*
 * A record in the ring buffer, up to where `exe` is used. Integers are in host order, times are nanoseconds
 * of the boot clock.
 */
struct attempt_event {
	__u64 id;       /* socket cookie, or with bit 63 set: made from start_ns and CPU */
	__u64 start_ns; /* the call began, or returned where that is all to be told; without a call: SYN_SENT */
	__u64 time_ns;  /* connect: the call returned, or start_ns without a call; outcome: when it happened */
	__u64 cgroup;   /* id in the unified hierarchy */
	__u32 pid;      /* the process (tgid), as are ppid's */
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 netns; /* inode number */
	struct attempt_ends ends;
	__u16 error;       /* connect: errno if the call failed, else 0; outcome: why it ended, 0: nobody says */
	__u16 exe_size;    /* bytes used of exe; 0: not known */
	__u8 kind;         /* enum attempt_kind */
	__u8 via;          /* enum attempt_via */
	__u8 established;  /* outcome: 1 if so */
	__u8 exe_deleted;  /* 1: that file's name is gone */
	char comm[ATTEMPT_COMM_BYTES];  /* the thread's name: any bytes, ends at the first NUL */
	char pcomm[ATTEMPT_COMM_BYTES]; /* the process's */
	char exe[ATTEMPT_EXE_BYTES];    /* the path's names, the last one first, each ended by a NUL */
};

/* Who has done what about an attempt; whoever is the second of TOLD and LEFT ends it. */
enum attempt_flag {
	ATTEMPT_TOLD = 1, /* its call has returned and was told; without a call: from the start */
	ATTEMPT_LEFT = 2, /* it is not in SYN_SENT any more, and the fields below are set */
};

/* A socket in SYN_SENT, in the map `attempts`. The collector reads those that are left when it ends. */
struct attempt {
	__u64 call;    /* the thread in connect() that will tell it; 0: made another way */
	__u64 left_ns; /* when it left SYN_SENT */
	struct attempt_ends left; /* taken then: by the time a failed connect() returns they are gone */
	__u32 flags;      /* enum attempt_flag, set atomically */
	__u16 left_error; /* the socket's errno then */
	__u8 established; /* what it left for */
	__u8 at_once;     /* the call itself gave up: its errno says why */
	struct attempt_event event;
};

/* Ports from the first to the last, host order. */
struct attempt_ports {
	__u16 first;
	__u16 last;
};

/* The filters, constant once the programs are loaded. A count of 0 lets everything through. */
struct attempt_config {
	__u32 pids[ATTEMPT_FILTER_MAX];
	__u32 uids[ATTEMPT_FILTER_MAX];
	__u32 netns[ATTEMPT_FILTER_MAX]; /* inode numbers */
	struct attempt_ports ports[ATTEMPT_FILTER_MAX]; /* destination */
	__u32 pid_count;
	__u32 uid_count;
	__u32 netns_count;
	__u32 port_count;
	__u32 cgroup_count; /* so many entries of the map `wanted_cgroups` */
	__u32 family;       /* 4, 6, or 0 for both */
	__u32 report;       /* enum attempt_kind: one or both */
};

#ifndef __cplusplus
#define static_assert _Static_assert
#endif
static_assert(sizeof(struct attempt_ends) == 40, "no hidden padding");
static_assert(sizeof(struct attempt_event) == 136 + ATTEMPT_EXE_BYTES, "no hidden padding");
static_assert(sizeof(struct attempt) == 64 + sizeof(struct attempt_event), "no hidden padding");

#endif
