/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The path of the program that a process runs, as the process itself would have to call it. */
#ifndef SYNPIPE_EXE_BPF_H
#define SYNPIPE_EXE_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "process.h"

#define EXE_NAMES 12 /* read without a call, on the way to the root of the file's file system */
#define EXE_STEPS 48 /* names and mount points from there to the root */

/* Room to fill a process in. Behind it, room that exe needs, and how far it is. */
struct process_room {
	struct process process;
	char behind[PROCESS_EXE_BYTES];
	__u64 at; /* bytes of exe */
	__u64 dentry;
	__u64 mount;
	__u64 root_dentry;
	__u64 root_mount;
};

/*
 * One name more, at `at`. Returns where the next one goes; 0 where it does not fit, or is being changed. Copied by its
 * length: byte by byte, in search of its end, costs several times that.
 */
static __always_inline __u64 put_name(struct process *process, __u64 at, const struct dentry *dentry)
{
	unsigned int sequence = dentry->d_seq.seqcount.sequence;
	__u64 size = (__u64)dentry->d_name.len + 1;

	barrier_var(at); /* or the compiler tests another copy of it than the verifier follows */
	barrier_var(size);
	if (at >= PROCESS_EXE_BYTES || size > PROCESS_EXE_BYTES)
		return 0;
	if (bpf_probe_read_kernel(process->exe + at, size, dentry->d_name.name))
		return 0;
	if (sequence & 1 || *(volatile unsigned int *)&dentry->d_seq.seqcount.sequence != sequence)
		return 0;
	at += size;
	return at > PROCESS_EXE_BYTES ? 0 : at;
}

/* The same where the verifier does not know what it is. */
static __always_inline __u64 put_untyped_name(struct process *process, __u64 at, const struct dentry *dentry)
{
	unsigned int sequence = BPF_CORE_READ(dentry, d_seq.seqcount.sequence);
	long size;

	barrier_var(at); /* or the compiler tests another copy of it than the verifier follows */
	if (at >= PROCESS_EXE_BYTES)
		return 0;
	size = bpf_probe_read_kernel_str(process->exe + at, PROCESS_EXE_BYTES, BPF_CORE_READ(dentry, d_name.name));
	if (size <= 1)
		return 0;
	if (sequence & 1 || BPF_CORE_READ(dentry, d_seq.seqcount.sequence) != sequence)
		return 0;
	at += size;
	return at > PROCESS_EXE_BYTES ? 0 : at;
}

/*
 * A name or a mount point further to the root. Returns 1 when it is there, and a negative number where the path does not
 * fit, or is being changed. Between steps all is in `room`, so that the verifier follows none of it.
 */
__noinline int step_up(struct process_room *room)
{
	struct dentry *dentry, *parent;
	struct mount *mount;
	__u64 at;

	if (!room)
		return -1;
	dentry = (struct dentry *)room->dentry;
	if (room->dentry == room->root_dentry && room->mount == room->root_mount) /* the process's: it may be in a chroot */
		return 1;
	mount = (void *)room->mount - bpf_core_field_offset(struct mount, mnt);
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *below = BPF_CORE_READ(mount, mnt_parent);

		if (below == mount)
			return 1;
		room->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		room->mount = (__u64)&below->mnt;
		return 0;
	}
	at = put_untyped_name(&room->process, room->at, dentry);
	if (!at)
		return -1;
	room->at = at;
	parent = BPF_CORE_READ(dentry, d_parent);
	room->dentry = (__u64)parent;
	return parent == dentry; /* in no folder: memfd_create() */
}

/* The rest of the way, across all that is mounted on it: the bytes used, or 0. */
__noinline int walk_up(struct process_room *room)
{
	for (int i = 0; i < EXE_STEPS; i++) {
		int there = step_up(room);

		if (there)
			return there > 0 && room ? room->at : 0;
	}
	return 0;
}

/*
 * From the file to the root: the names come last one first, which the collector turns around. There is as much room
 * behind process->exe as that has: where a name begins and how long it is are not seen together by the verifier, so each
 * is read as if it were the longest. A path that does not fit is left out, not cut.
 * `task` is of a type that the verifier knows: what it points to is read without a call. Such a read of a pointer has
 * newer kernels look through all of their BTF, so there is no more than one of each, and none in a branch.
 */
static __always_inline void fill_exe(struct process_room *room, struct task_struct *task)
{
	struct process *process = &room->process;
	struct dentry *dentry, *parent, *top;
	struct vfsmount *mount;
	struct fs_struct *fs;
	struct file *file;
	__u64 root, at = 0;

	if (task->flags & PF_KTHREAD)
		return;
	fs = task->fs;
	root = (__u64)fs->root.dentry;
	file = task->mm->exe_file;
	mount = file->f_path.mnt;
	top = mount->mnt_root;
	dentry = file->f_path.dentry;
	process->exe_deleted = dentry->d_hash.pprev == NULL;
	for (int i = 0; i < EXE_NAMES && dentry != top && (__u64)dentry != root; i++) {
		at = put_name(process, at, dentry);
		if (!at)
			return;
		parent = dentry->d_parent;
		if (parent == dentry) { /* in no folder: memfd_create() */
			process->exe_size = at;
			return;
		}
		dentry = parent;
	}
	barrier_var(root); /* or the compiler tests it ahead, and the verifier follows each step twice */
	if ((__u64)dentry == root && mount == fs->root.mnt) { /* the process's: it may be in a chroot */
		process->exe_size = at;
		return;
	}
	room->at = at;
	room->dentry = (__u64)dentry;
	room->mount = (__u64)mount;
	room->root_dentry = root;
	room->root_mount = (__u64)fs->root.mnt;
	process->exe_size = walk_up(room);
}

/* The same with less for the verifier to go through, and more to do each time. */
static __always_inline void fill_other_exe(struct process_room *room, struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	if (!dentry)
		return;
	room->process.exe_deleted = BPF_CORE_READ(dentry, d_hash.pprev) == NULL;
	room->root_dentry = (__u64)BPF_CORE_READ(fs, root.dentry);
	room->root_mount = (__u64)BPF_CORE_READ(fs, root.mnt);
	room->mount = (__u64)BPF_CORE_READ(file, f_path.mnt);
	room->dentry = (__u64)dentry;
	room->at = 0;
	room->process.exe_size = walk_up(room);
}

#endif
