/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fills in the process of a thread. Not for code that may run in softirq. */
#ifndef SYNPIPE_PROCESS_BPF_H
#define SYNPIPE_PROCESS_BPF_H

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "exe.bpf.h"
#include "kernel.h"
#include "process.h"

/* Returns the current task with a type that the verifier knows, so that its fields are read by plain loads. */
static __always_inline struct task_struct *current(void)
{
	return (struct task_struct *)bpf_get_current_task_btf();
}

/*
 * Returns the process's number in its innermost PID namespace, at `level`; 0 if that is the first namespace, or if the number
 * is the same as in the first. The pointer is read by a helper call, since the verifier allows no arithmetic on a pointer
 * whose type it knows.
 */
static __always_inline __u32 nspid_of(const struct task_struct *leader, __u32 level, __u32 first)
{
	__u32 number = 0, at = bpf_core_field_offset(struct pid, numbers) + bpf_core_field_offset(struct upid, nr);

	if (level == 0)
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)BPF_CORE_READ(leader, thread_pid) + at + level * bpf_core_type_size(struct upid));
	return number == first ? 0 : number;
}

/*
 * Fills in the current thread. Like the other __noinline functions, it is not inlined so that the verifier checks it once and
 * not at every call, which took most of the start-up time.
 */
__noinline int fill_process(struct process_room *room)
{
	struct task_struct *task = current(), *leader;
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	const struct cred *cred = task->cred;
	struct process *process;

	if (!room)
		return 0;
	process = &room->process;
	process->exe_size = 0;
	process->exe_deleted = 0;
	process->pid = pid_tgid >> 32;
	process->tid = pid_tgid;
	process->ppid = task->real_parent->tgid;
	process->uid = cred->uid.val; /* bpf_get_current_uid_gid() returns the same values, but is slower */
	process->gid = cred->gid.val;
	process->cgroup = bpf_get_current_cgroup_id();
	leader = task->group_leader;
	process->nspid = nspid_of(leader, leader->thread_pid->level, process->pid);
	bpf_probe_read_kernel(process->comm, sizeof(process->comm), task->comm);
	fill_exe(room, task);
	if (process->tid == process->pid)
		__builtin_memcpy(process->pcomm, process->comm, sizeof(process->pcomm));
	else
		bpf_probe_read_kernel(process->pcomm, sizeof(process->pcomm), leader->comm);
	return 0;
}

/* Fills in another thread, which is waiting. */
static __always_inline void fill_other_process(struct process_room *room, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct process *process = &room->process;

	process->exe_size = 0;
	process->exe_deleted = 0;
	process->pid = task->tgid;
	process->tid = task->pid;
	process->ppid = BPF_CORE_READ(task, real_parent, tgid);
	process->uid = BPF_CORE_READ(cred, uid.val);
	process->gid = BPF_CORE_READ(cred, gid.val);
	process->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	process->nspid = nspid_of(leader, BPF_CORE_READ(leader, thread_pid, level), process->pid);
	bpf_probe_read_kernel(process->comm, sizeof(process->comm), task->comm);
	bpf_probe_read_kernel(process->pcomm, sizeof(process->pcomm), leader->comm);
	fill_other_exe(room, task);
}

/* Copies the used part of a process. */
static __always_inline void copy_process(struct process *to, const struct process *from)
{
	__u64 exe = from->exe_size;

	barrier_var(exe); /* else the compiler may test a copy of it that the verifier does not track */
	if (exe <= PROCESS_EXE_BYTES)
		bpf_probe_read_kernel(to, offsetof(struct process, exe) + exe, from);
}

#endif
