/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The thread that did something, and its process, as in the records. */
#ifndef SYNPIPE_PROCESS_H
#define SYNPIPE_PROCESS_H

#include <linux/types.h>

#define PROCESS_COMM_BYTES 16
#define PROCESS_EXE_BYTES 256

/* Integers are in host order. */
struct process {
	__u64 cgroup;      /* id in the unified hierarchy */
	__u32 pid;         /* of the process (tgid), as is ppid; 0: the process is not known */
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 nspid;       /* the process's number in its innermost PID namespace; 0: the same as pid */
	__u16 exe_size;    /* bytes used of exe; 0: the path is not known */
	__u8 exe_deleted;  /* 1: the file has been deleted */
	__u8 pad[5];
	char comm[PROCESS_COMM_BYTES];  /* the thread's name: any bytes, up to the first NUL */
	char pcomm[PROCESS_COMM_BYTES]; /* the process's name */
	char exe[PROCESS_EXE_BYTES];    /* the names in the path, last one first, each followed by a NUL */
};

#ifndef __cplusplus
#define static_assert _Static_assert
#endif
static_assert(sizeof(struct process) == 72 + PROCESS_EXE_BYTES, "no hidden padding");

#endif
