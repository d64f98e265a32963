/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Who did something, as records have it: a thread and its process. */
#ifndef SYNPIPE_PROCESS_H
#define SYNPIPE_PROCESS_H

#include <linux/types.h>

#define PROCESS_COMM_BYTES 16
#define PROCESS_EXE_BYTES 256

/* Integers are in host order. */
struct process {
	__u64 cgroup;      /* id in the unified hierarchy */
	__u32 pid;         /* the process (tgid), as is ppid; 0: no process is known */
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 nspid;       /* the process, as its innermost PID namespace numbers it; 0: the same as pid */
	__u16 exe_size;    /* bytes used of exe; 0: not known */
	__u8 exe_deleted;  /* 1: that file's name is gone */
	__u8 pad[5];
	char comm[PROCESS_COMM_BYTES];  /* the thread's name: any bytes, ends at the first NUL */
	char pcomm[PROCESS_COMM_BYTES]; /* the process's */
	char exe[PROCESS_EXE_BYTES];    /* the path's names, the last one first, each ended by a NUL */
};

#ifndef __cplusplus
#define static_assert _Static_assert
#endif
static_assert(sizeof(struct process) == 72 + PROCESS_EXE_BYTES, "no hidden padding");

#endif
