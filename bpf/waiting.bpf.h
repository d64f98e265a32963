/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Calls that have not returned when the collector ends: an iterator over all threads, which it runs. */
#ifndef SYNPIPE_WAITING_BPF_H
#define SYNPIPE_WAITING_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "end.bpf.h"
#include "maps.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

/*
 * Those in `attempts` are read there; the others are told here, as if each returned now. The hooks of their ends are
 * still in place, those of beginnings no more.
 */
SEC("iter/task")
int tell_waiting(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct attempt_event *event;
	struct scratch *room;
	struct call *call;

	if (!task)
		return 0;
	call = bpf_task_storage_get(&calls, task, 0, 0);
	if (!call || !call->entry || !call->flow || outlives_call(call))
		return 0;
	room = scratch(SCRATCH_WAITING);
	if (!room || !end_call(call))
		return 0;
	event = &room->attempt.event;
	end_with_syn(event, call, 0);
	fill_other_task(room, task);
	event->via = call->via;
	submit(event, ATTEMPT_CONNECT);
	return 0;
}

#endif
