/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Notes why this host dropped packets of an attempt or a connection. Any context: the current task may have sent none of them. */
#ifndef SYNPIPE_DROP_BPF_H
#define SYNPIPE_DROP_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "connection.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"

/* The addresses whose function's name the collector has got. Inserted and read by name_function. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u8);
} named SEC(".maps");

/* Sends the name of the function at an address, before the first event that refers to it. */
static __always_inline void name_function(__u64 at)
{
	struct scratch *room;
	struct attempt_event *event;
	__u8 yes = true;

	if (bpf_map_lookup_elem(&named, &at))
		return;
	room = scratch(SCRATCH_DROP);
	if (!room)
		return;
	event = &room->attempt.event;
	event->kind = ATTEMPT_SYMBOL;
	event->id = at;
	/* The address is behind a call, which may be the last instruction of its function. */
	BPF_SNPRINTF(event->process.exe, sizeof(event->process.exe), "%ps", (void *)(at - 1));
	if (!bpf_ringbuf_output(&events, event, offsetof(struct attempt_event, process.exe) + PROCESS_EXE_BYTES, 0))
		bpf_map_update_elem(&named, &at, &yes, BPF_ANY);
}

/*
 * Returns the netfilter hook that a packet has reached. One that arrives has no socket before INPUT. One that leaves gets its
 * device between OUTPUT and POSTROUTING; or the loopback device, if OUTPUT has rejected it with an ICMPv6 error.
 */
static __always_inline enum attempt_hook hook_of(const struct sk_buff *skb)
{
	const struct net_device *dev = BPF_CORE_READ(skb, dev);
	const struct dst_entry *route = (const struct dst_entry *)(BPF_CORE_READ(skb, _skb_refdst) & ~1UL);

	if (BPF_CORE_READ(skb, skb_iif))
		return ATTEMPT_HOOK_INPUT;
	if (!dev || dev != BPF_CORE_READ(route, dev))
		return ATTEMPT_HOOK_OUTPUT;
	if (BPF_CORE_READ(dev, ifindex) == LOOPBACK_IFINDEX && BPF_CORE_READ(skb, sk, __sk_common.skc_family) == AF_INET6)
		return ATTEMPT_HOOK_NONE;
	return ATTEMPT_HOOK_POSTROUTING;
}

/* Returns the attempt that waits on a socket, or its connection, or NULL. */
static __always_inline struct attempt *follows(__u64 key)
{
	struct attempt *attempt = any_open() ? bpf_map_lookup_elem(&attempts, &key) : NULL;

	if (attempt && !(attempt->flags & ATTEMPT_LEFT))
		return attempt;
	attempt = reports(ATTEMPT_CLOSED) ? bpf_map_lookup_elem(&connections, &key) : NULL;
	return attempt && !(attempt->flags & CONNECTION_CLAIMED) ? attempt : NULL;
}

/*
 * The kernel drops a packet. Without a reason it may just as well have finished with it: some drivers free what they have sent
 * in this way.
 */
static __always_inline void packet_dropped(const struct bpf_raw_tracepoint_args *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx->args[0];
	struct sock *receiver = config.drops == ATTEMPT_DROPS_SOCKET ? (struct sock *)ctx->args[3] : NULL;
	struct attempt_dropped *dropped;
	struct attempt *attempt;
	__u64 at = ctx->args[1];
	__u32 reason = ctx->args[2];
	__u64 key;

	if (reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED))
		return;
	key = (__u64)(receiver ?: BPF_CORE_READ(skb, sk));
	attempt = key ? follows(key) : NULL;
	if (!attempt)
		return;
	if (reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP))
		at = hook_of(skb);
	else
		name_function(at);
	dropped = &attempt->event.dropped;
	__sync_fetch_and_add(&dropped->count, 1);
	dropped->reason = reason;
	dropped->at = at;
}

#endif
