/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The filters: set by the collector between open and load. */
#ifndef SYNPIPE_FILTER_BPF_H
#define SYNPIPE_FILTER_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"

/* A section of its own, so that nothing else is in the map that the collector writes. */
const volatile struct attempt_config config SEC(".rodata.config") = {};

/* Filters on who asks: known from the start. */
static __always_inline bool task_wanted(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u32 uid = bpf_get_current_uid_gid();
	bool wanted = config.pid_count == 0;

	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.pid_count; i++)
		if (config.pids[i] == pid)
			wanted = true;
	if (!wanted || config.uid_count == 0)
		return wanted;
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.uid_count; i++)
		if (config.uids[i] == uid)
			return true;
	return false;
}

/* Filters on where to: only the final destination counts. */
static __always_inline bool ends_wanted(const struct attempt_ends *ends)
{
	if (config.family && config.family != ends->family)
		return false;
	if (config.port_count == 0)
		return true;
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.port_count; i++)
		if (config.ports[i] == ends->dport)
			return true;
	return false;
}

#endif
