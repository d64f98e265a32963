/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The filters. The collector sets them between open and load. */
#ifndef SYNPIPE_FILTER_BPF_H
#define SYNPIPE_FILTER_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "attempt.h"
#include "sock.bpf.h"

/* In a separate section, so that the map that the collector writes holds nothing else. */
const volatile struct attempt_config config SEC(".rodata.config") = {};

/* Cgroups whose tasks, and whose descendants' tasks, are wanted. Filled by the collector before attaching. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, ATTEMPT_FILTER_MAX);
	__type(key, __u32);
	__type(value, __u32);
} wanted_cgroups SEC(".maps");

static __always_inline bool reports(enum attempt_kind kind)
{
	return config.report & kind;
}

static __always_inline bool cgroup_wanted(void)
{
	if (config.cgroup_count == 0)
		return true;
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.cgroup_count; i++)
		if (bpf_current_task_under_cgroup(&wanted_cgroups, i) == 1)
			return true;
	return false;
}

/* Whether the current task passes the filters on processes, users and cgroups. */
static __always_inline bool task_wanted(void)
{
	bool wanted = config.pid_count == 0;
	__u32 pid, uid;

	if (config.pid_count) {
		pid = bpf_get_current_pid_tgid() >> 32;
		for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.pid_count; i++)
			if (config.pids[i] == pid)
				wanted = true;
	}
	if (!wanted || !cgroup_wanted())
		return false;
	if (config.uid_count == 0)
		return true;
	uid = bpf_get_current_uid_gid();
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.uid_count; i++)
		if (config.uids[i] == uid)
			return true;
	return false;
}

static __always_inline bool netns_wanted(const struct sock *sk)
{
	__u32 netns;

	if (config.netns_count == 0)
		return true;
	netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.netns_count; i++)
		if (config.netns[i] == netns)
			return true;
	return false;
}

/* Whether the destination passes the filters: it must be the final one, as a cgroup program may replace the caller's. */
static __always_inline bool endpoints_wanted(const struct attempt_endpoints *endpoints)
{
	if (config.family && config.family != endpoints->family)
		return false;
	if (config.port_count == 0)
		return true;
	for (__u32 i = 0; i < ATTEMPT_FILTER_MAX && i < config.port_count; i++)
		if (config.ports[i].first <= endpoints->dport && endpoints->dport <= config.ports[i].last)
			return true;
	return false;
}

#endif
