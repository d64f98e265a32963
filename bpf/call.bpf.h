/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The entry of __sys_connect_file(file, address, addrlen, file_flags), for the tiers that can have it. */
#ifndef SYNPIPE_CALL_BPF_H
#define SYNPIPE_CALL_BPF_H

#include "attempt.bpf.h"

/*
 * Set by a call with an address of no bytes, which is no attempt. The collector makes one when it has attached:
 * a kernel whose compiler has inlined the function into connect() has it for io_uring alone.
 */
bool answered SEC(".data.answered") = false;

static __always_inline void call_begin(struct file *file, __u64 address, int addrlen, int file_flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	/* connect() gives no flags. io_uring gives O_NONBLOCK, but for its own threads, which may wait. */
	bool io_uring = file_flags || BPF_CORE_READ(task, flags) & PF_IO_WORKER;
	struct sock *sk;

	if (addrlen == 0)
		answered = true;
	sk = attempt_socket(file);
	if (sk)
		attempt_begin(sk, address, addrlen, true, io_uring);
}

#endif
