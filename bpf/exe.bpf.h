/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The path of the program that a process runs, as the process itself would have to call it. */
#ifndef SYNPIPE_EXE_BPF_H
#define SYNPIPE_EXE_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "kernel.h"
#include "maps.bpf.h"

#define EXE_NAMES 32 /* on the way to the root of the file's file system */
#define EXE_STEPS 32 /* names and mount points from there to the root */

/*
 * One name more, at `at`. Returns where the next one goes; 0 where it does not fit, or is being changed. Copied by its
 * length: byte by byte, in search of its end, costs several times that.
 */
static __always_inline __u64 put_name(struct attempt_event *event, __u64 at, const struct dentry *dentry)
{
	unsigned int sequence = dentry->d_seq.seqcount.sequence;
	__u64 size = (__u64)dentry->d_name.len + 1;

	barrier_var(at); /* or the compiler tests another copy of it than the verifier follows */
	barrier_var(size);
	if (at >= ATTEMPT_EXE_BYTES || size > ATTEMPT_EXE_BYTES)
		return 0;
	if (bpf_probe_read_kernel(event->exe + at, size, dentry->d_name.name))
		return 0;
	if (sequence & 1 || *(volatile unsigned int *)&dentry->d_seq.seqcount.sequence != sequence)
		return 0;
	at += size;
	return at > ATTEMPT_EXE_BYTES ? 0 : at;
}

/* The same where the verifier does not know what it is. */
static __always_inline __u64 put_untyped_name(struct attempt_event *event, __u64 at, const unsigned char *name)
{
	long size;

	barrier_var(at); /* or the compiler tests another copy of it than the verifier follows */
	if (at >= ATTEMPT_EXE_BYTES)
		return 0;
	size = bpf_probe_read_kernel_str(event->exe + at, ATTEMPT_EXE_BYTES, name);
	if (size <= 1)
		return 0;
	at += size;
	return at > ATTEMPT_EXE_BYTES ? 0 : at;
}

/*
 * The rest of the way, where file systems are mounted on it. Returns the bytes used; 0 where they are too many. A
 * function that the verifier looks at once, and not anew from wherever it is called: that took most of the start.
 */
__noinline int cross_mounts(struct scratch *room, __u64 at)
{
	struct dentry *dentry, *parent, *root;
	struct attempt_event *event;
	struct vfsmount *root_mount;
	struct mount *mount;

	if (!room)
		return 0;
	event = &room->attempt.event;
	mount = (void *)room->mount - bpf_core_field_offset(struct mount, mnt);
	dentry = BPF_CORE_READ(mount, mnt.mnt_root);
	root = (struct dentry *)room->root_dentry;
	root_mount = (struct vfsmount *)room->root_mount;
	for (int i = 0; i < EXE_STEPS; i++) {
		if (dentry == root && &mount->mnt == root_mount)
			return at;
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *below = BPF_CORE_READ(mount, mnt_parent);

			if (below == mount)
				return at;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = below;
			continue;
		}
		at = put_untyped_name(event, at, BPF_CORE_READ(dentry, d_name.name));
		if (!at)
			return 0;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			return at;
		dentry = parent;
	}
	return 0;
}

/*
 * From the file to the root: the names come last one first, which the collector turns around. `event` is in a
 * struct scratch, with as much room behind event->exe as that has: where a name begins and how long it is are not seen
 * together by the verifier, so each is read as if it were the longest. A path that does not fit is left out, not cut.
 * `task` is of a type that the verifier knows: what it points to is read without a call.
 */
static __always_inline void fill_exe(struct attempt_event *event, struct task_struct *task)
{
	struct scratch *room = (void *)event - offsetof(struct scratch, attempt.event);
	struct dentry *dentry, *parent, *top;
	struct vfsmount *mount;
	struct path root = {};
	struct file *file;
	__u64 at = 0;

	event->exe_size = 0;
	event->exe_deleted = 0;
	if (task->flags & PF_KTHREAD)
		return;
	file = task->mm->exe_file;
	dentry = file->f_path.dentry;
	if (!dentry)
		return;
	mount = file->f_path.mnt;
	top = mount->mnt_root;
	event->exe_deleted = dentry->d_hash.pprev == NULL;
	root.dentry = task->fs->root.dentry;
	root.mnt = task->fs->root.mnt;
	for (int i = 0; i < EXE_NAMES; i++) {
		if (dentry == root.dentry && mount == root.mnt) { /* the process's: it may be in a chroot */
			event->exe_size = at;
			return;
		}
		if (dentry == top) {
			room->mount = (__u64)mount;
			room->root_dentry = (__u64)root.dentry;
			room->root_mount = (__u64)root.mnt;
			event->exe_size = cross_mounts(room, at);
			return;
		}
		at = put_name(event, at, dentry);
		if (!at)
			return;
		parent = dentry->d_parent;
		if (parent == dentry) { /* in no folder: memfd_create() */
			event->exe_size = at;
			return;
		}
		dentry = parent;
	}
}

#endif
