/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the current thread is doing. Not for code that may run in softirq. */
#ifndef SYNPIPE_TASK_BPF_H
#define SYNPIPE_TASK_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "process.bpf.h"

/* Returns the call that the current thread is in, or NULL. */
static __always_inline struct call *current_call(void)
{
	struct call *call = bpf_task_storage_get(&calls, current(), 0, 0);

	return call && call->entry ? call : NULL;
}

/* Fills in the current thread. */
static __always_inline void fill_task(struct scratch *room)
{
	fill_process(&room->process);
	copy_process(&room->attempt.event.process, &room->process.process);
}

/* Fills in another thread, which is waiting. */
static __always_inline void fill_other_task(struct scratch *room, struct task_struct *task)
{
	fill_other_process(&room->process, task);
	copy_process(&room->attempt.event.process, &room->process.process);
}

/* Whether the thread is in a 32-bit program's system call: the numbers differ, and connect()'s tracepoints do not see it. */
static __always_inline bool is_compat(void)
{
#if defined(__TARGET_ARCH_x86)
	return current()->thread_info.status & TS_COMPAT;
#elif defined(__TARGET_ARCH_arm64)
	return current()->thread_info.flags & TIF_32BIT;
#endif
}

/* Returns how the current system call starts an attempt. */
static __always_inline enum attempt_via via_of_syscall(struct pt_regs *regs)
{
	int nr;

#if defined(__TARGET_ARCH_x86)
	nr = BPF_CORE_READ(regs, orig_ax);
	if (nr == NR32_SOCKETCALL && is_compat())
		nr = BPF_CORE_READ(regs, bx) == NR32_SOCKETCALL_CONNECT ? NR32_CONNECT : nr;
#elif defined(__TARGET_ARCH_arm64)
	nr = BPF_CORE_READ(regs, syscallno);
#endif
	if (is_compat()) {
		if (nr == NR_IO_URING_ENTER)
			return ATTEMPT_VIA_IO_URING;
		return nr == NR32_CONNECT ? ATTEMPT_VIA_CONNECT : ATTEMPT_VIA_SENDMSG;
	}
	if (nr == NR_SENDTO || nr == NR_SENDMSG || nr == NR_SENDMMSG)
		return ATTEMPT_VIA_SENDMSG;
	if (nr == NR_IO_URING_ENTER)
		return ATTEMPT_VIA_IO_URING;
	/* a call whose entry was not seen, for example because it started before the programs were attached */
	if (nr == NR_CONNECT)
		return ATTEMPT_VIA_CONNECT;
	return ATTEMPT_VIA_KERNEL;
}

static __always_inline bool is_mptcp(struct sock *sk)
{
	return bpf_core_field_exists(struct tcp_sock, is_mptcp) &&
	       BPF_CORE_READ_BITFIELD_PROBED((struct tcp_sock *)sk, is_mptcp);
}

/* Returns how an attempt was started for which no entry of connect() was seen. */
static __always_inline enum attempt_via via_of(struct sock *sk)
{
	__u32 flags = current()->flags;
	enum attempt_via via;

	if (flags & PF_IO_WORKER)
		return ATTEMPT_VIA_IO_URING;
	if (flags & PF_KTHREAD) /* MPTCP: a subflow that joins an existing connection */
		return is_mptcp(sk) ? ATTEMPT_VIA_MPTCP : ATTEMPT_VIA_KERNEL;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return ATTEMPT_VIA_KERNEL;
	via = via_of_syscall((struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
	if (BPF_CORE_READ(sk, sk_socket, file))
		return via;
	/* the kernel made this socket for itself: in another protocol's connect() (SMC), or on request over netlink (MPTCP) */
	if (!is_mptcp(sk))
		return ATTEMPT_VIA_KERNEL;
	return via == ATTEMPT_VIA_CONNECT ? via : ATTEMPT_VIA_MPTCP;
}

#endif
