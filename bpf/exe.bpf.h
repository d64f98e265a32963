/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The path of the program that the current process runs, as the process itself would have to call it. */
#ifndef SYNPIPE_EXE_BPF_H
#define SYNPIPE_EXE_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "kernel.h"

#define EXE_STEPS 32 /* names and mount points on the way to the root */

/*
 * From the file to the root: the names come last one first, which the collector turns around. Needs as much
 * room behind event->exe as that has: where a name begins and how long it is are not seen together by the
 * verifier, so each is read as if it were the longest. A path that does not fit is left out, not cut.
 */
static __always_inline void fill_exe(struct attempt_event *event, struct task_struct *task)
{
	struct dentry *dentry, *parent;
	struct mount *mount;
	struct path root = {};
	struct file *file;
	__u64 at = 0;
	long size;

	event->exe_size = 0;
	event->exe_deleted = 0;
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return;
	file = BPF_CORE_READ(task, mm, exe_file);
	dentry = BPF_CORE_READ(file, f_path.dentry);
	if (!dentry)
		return;
	mount = (struct mount *)((void *)BPF_CORE_READ(file, f_path.mnt) - bpf_core_field_offset(struct mount, mnt));
	event->exe_deleted = BPF_CORE_READ(dentry, d_hash.pprev) == NULL;
	BPF_CORE_READ_INTO(&root, task, fs, root);
	for (int i = 0; i < EXE_STEPS; i++) {
		if (dentry == root.dentry && &mount->mnt == root.mnt) { /* the process's: it may be in a chroot */
			event->exe_size = at;
			return;
		}
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *below = BPF_CORE_READ(mount, mnt_parent);

			if (below == mount) {
				event->exe_size = at;
				return;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = below;
			continue;
		}
		barrier_var(at); /* or the compiler tests another copy of it than the verifier follows */
		if (at >= ATTEMPT_EXE_BYTES)
			return;
		size = bpf_probe_read_kernel_str(event->exe + at, ATTEMPT_EXE_BYTES, BPF_CORE_READ(dentry, d_name.name));
		if (size <= 1)
			return;
		at += size;
		if (at > ATTEMPT_EXE_BYTES)
			return;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry) { /* in no folder: memfd_create() */
			event->exe_size = at;
			return;
		}
		dentry = parent;
	}
}

#endif
