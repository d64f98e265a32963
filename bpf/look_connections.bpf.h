/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Looks at the connections that are open: reports them, if that is due, and finds ends that no program saw. */
#ifndef SYNPIPE_LOOK_CONNECTIONS_BPF_H
#define SYNPIPE_LOOK_CONNECTIONS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "connection.bpf.h"
#include "endpoints.bpf.h"
#include "life.bpf.h"
#include "look.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"

/* Looks at one entry of `connections`. Returns 1 to stop. */
static long look_at_connection(struct bpf_map *map __attribute__((unused)), const __u64 *given, struct attempt *connection,
			       void *unused __attribute__((unused)))
{
	struct attempt_endpoints endpoints = {};
	const struct sock_common *common;
	struct sock_copy buffer;
	struct attempt_event *event;
	struct scratch *room;
	__u64 key = *given;
	__u32 flags;
	bool same;

	if (counters.report_ns && must_pause())
		return 1;
	room = scratch(SCRATCH_OPEN);
	if (!room)
		return 0;
	bpf_probe_read_kernel(&room->attempt, sizeof(room->attempt), connection); /* as in look_at_attempt */
	event = &room->attempt.event;
	flags = room->attempt.flags;
	if (room->attempt.key != key || (counters.report_ns && room->attempt.look_ns == counters.report_ns))
		return 0;
	if ((flags & CONNECTION_DONE) == CONNECTION_DONE && event->time_ns + UNSEEN_NS < bpf_ktime_get_boot_ns())
		forget_connection(key); /* it has been reported, but could not be deleted */
	/* Before its outcome, there is nothing to report. */
	if (flags & CONNECTION_CLAIMED || !(flags & CONNECTION_REPORTED))
		return 0;
	common = copy_sock(&buffer, (struct sock *)key);
	read_endpoints(&endpoints, common);
	/* A program that sees the end sets the flag before the kernel changes the socket. */
	if (*(volatile __u32 *)&connection->flags != flags)
		return 0;
	same = is_same(event, &endpoints);
	/* The hook that adds the entry runs before the kernel sets the new state. */
	if (same && (common->skc_state == TCP_SYN_SENT || common->skc_state == TCP_SYN_RECV) &&
	    event->life.established_ns + UNSEEN_NS > bpf_ktime_get_boot_ns())
		return 0;
	if (!same || common->skc_state == TCP_CLOSE || common->skc_state == TCP_SYN_SENT) {
		/* Since the last look at open attempts, no program sees an end. */
		if (!(counters.phase & ATTEMPT_PHASE_LAST_OPEN))
			lose_connection(key, connection);
		return 0;
	}
	if (!counters.report_ns)
		return 0;
	connection->look_ns = counters.report_ns;
	event->time_ns = bpf_ktime_get_boot_ns();
	read_life(&event->life, (struct sock *)key);
	submit(event, ATTEMPT_OPEN);
	return 0;
}

/* Reports the connections that are open, if that is asked for, and finds those whose end no program saw. */
SEC("iter/bpf_map")
int look_at_connections(struct bpf_iter__bpf_map *ctx)
{
	if (ctx->meta->seq_num > 0 || !reports(ATTEMPT_CLOSED))
		return 0;
	counters.more = false;
	bpf_for_each_map_elem(&connections, look_at_connection, NULL, 0);
	return 0;
}

#endif
