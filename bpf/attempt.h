/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel side and the collector share: the record of one attempt, the filters, the losses. */
#ifndef SYNPIPE_ATTEMPT_H
#define SYNPIPE_ATTEMPT_H

#include <linux/types.h>

#define ATTEMPT_COMM_BYTES 16
#define ATTEMPT_FILTER_MAX 64

/* How the attempt was made. */
enum attempt_via {
	ATTEMPT_VIA_CONNECT,
	ATTEMPT_VIA_SENDMSG, /* TCP Fast Open */
	ATTEMPT_VIA_IO_URING,
	ATTEMPT_VIA_KERNEL,
	ATTEMPT_VIA_MPTCP,
};

/* Why an attempt is missing from the ring buffer: the index into the map `drops`. */
enum attempt_drop {
	ATTEMPT_DROP_RING,  /* no room in the ring buffer */
	ATTEMPT_DROP_TABLE, /* no room in `calls` or `attempts`, or a call whose end was never seen */
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

/* A record in the ring buffer. Integers are in host order, times are nanoseconds of the boot clock. */
struct attempt_event {
	__u64 id;       /* socket cookie, or with bit 63 set: made from start and CPU */
	__u64 start_ns; /* the call began */
	__u64 time_ns;  /* the call returned; without a call: the state became SYN_SENT */
	__u64 cgroup;   /* id in the unified hierarchy */
	__u32 pid;      /* the process (tgid), as are ppid's */
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 netns; /* inode number */
	struct attempt_ends ends;
	__u16 error; /* errno if the attempt failed at once, else 0 */
	__u8 via;    /* enum attempt_via */
	__u8 pad[5];
	char comm[ATTEMPT_COMM_BYTES]; /* the thread's name: any bytes, ends at the first NUL */
};

/* The filters, constant once the programs are loaded. A count of 0 lets everything through. */
struct attempt_config {
	__u32 pids[ATTEMPT_FILTER_MAX];
	__u32 uids[ATTEMPT_FILTER_MAX];
	__u16 ports[ATTEMPT_FILTER_MAX]; /* destination, host order */
	__u32 pid_count;
	__u32 uid_count;
	__u32 port_count;
	__u32 family; /* 4, 6, or 0 for both */
};

#ifndef __cplusplus
#define static_assert _Static_assert
#endif
static_assert(sizeof(struct attempt_ends) == 40, "no hidden padding");
static_assert(sizeof(struct attempt_event) == 120, "no hidden padding");

#endif
