/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Reads the path of the program that a process runs, as seen from that process's own root. */
#ifndef SYNPIPE_EXE_BPF_H
#define SYNPIPE_EXE_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "process.h"

#define EXE_NAMES 12 /* read by plain loads, up to the root of the file's file system */
#define EXE_STEPS 48 /* names and mount points from there up to the process's root */

/* A buffer to fill in a process, followed by the spare bytes that exe needs (see fill_exe), and by the state of walk_up. */
struct process_room {
	struct process process;
	char spare[PROCESS_EXE_BYTES];
	__u64 at; /* bytes of exe */
	__u64 dentry;
	__u64 mount;
	__u64 root_dentry;
	__u64 root_mount;
};

/*
 * Adds a name to exe at `at`. Returns the offset for the next one; 0 if the name does not fit or is being changed. It is
 * copied by its length: copying byte by byte, in search of the NUL, takes several times as long.
 */
static __always_inline __u64 put_name(struct process *process, __u64 at, const struct dentry *dentry)
{
	unsigned int sequence = dentry->d_seq.seqcount.sequence;
	__u64 size = (__u64)dentry->d_name.len + 1;

	barrier_var(at); /* else the compiler may test a copy of it that the verifier does not track */
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

/* Does the same for a dentry whose type the verifier does not know. */
static __always_inline __u64 put_untyped_name(struct process *process, __u64 at, const struct dentry *dentry)
{
	unsigned int sequence = BPF_CORE_READ(dentry, d_seq.seqcount.sequence);
	long size;

	barrier_var(at); /* else the compiler may test a copy of it that the verifier does not track */
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
 * Goes up by one name or mount point. Returns 1 at the root, 0 below it, and a negative number if the path does not fit or is
 * being changed. All state between steps is in `room`, so that the verifier need not track it.
 */
__noinline int step_up(struct process_room *room)
{
	struct dentry *dentry, *parent;
	struct mount *mount;
	__u64 at;

	if (!room)
		return -1;
	dentry = (struct dentry *)room->dentry;
	/* the process's own root, which may be a chroot */
	if (room->dentry == room->root_dentry && room->mount == room->root_mount)
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
	return parent == dentry; /* it is in no folder: memfd_create() */
}

/* Walks the rest of the way to the root, across mount points. Returns the bytes used of exe; 0 if the path cannot be read. */
__noinline int walk_up(struct process_room *room)
{
	for (int i = 0; i < EXE_STEPS; i++) {
		int status = step_up(room);

		if (status)
			return status > 0 && room ? room->at : 0;
	}
	return 0;
}

/*
 * Reads the path from the file up to the root, so the last name comes first; the collector reverses their order. A path that
 * does not fit is left out, not truncated. The verifier does not see that an offset and a length belong together and allows
 * for the longest name at every offset; this is why process->exe is followed by as many spare bytes.
 * `task` has a type that the verifier knows, so what it points to is read by plain loads, without a helper call. For each
 * such load of a pointer, newer kernels search all of their BTF, so each pointer is loaded only once, and never in a branch.
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
		if (parent == dentry) { /* it is in no folder: memfd_create() */
			process->exe_size = at;
			return;
		}
		dentry = parent;
	}
	barrier_var(root); /* keeps the compiler from testing it earlier, where the verifier would follow each step twice */
	if ((__u64)dentry == root && mount == fs->root.mnt) { /* the process's own root, which may be a chroot */
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

/* Does the same as fill_exe: it is less work for the verifier, but more each time it runs. */
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
