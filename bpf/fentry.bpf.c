// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The cheapest tier: trampolines around the function that connect() and io_uring share. It is the innermost function that both
 * call, and its result is what the caller gets: the functions below it see neither the result of a blocking call nor the
 * refusals of security modules and cgroup programs.
 * The programs are in the order in which an attempt meets them; the collector attaches them from the last to the first.
 */
#define ENTRIES_ARE_TYPED
#define SEES_ICMP6
#include "attempt.bpf.h"
#include "call.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("fentry/__sys_connect_file")
int connect_enter(__u64 *ctx)
{
	connect_entered((struct file *)ctx[0], ctx[1], ctx[2], ctx[3]);
	return 0;
}

SEC("fexit/__sys_connect_file")
int connect_exit(__u64 *ctx)
{
	call_returned((int)ctx[4], CALL_CONNECT);
	return 0;
}

/* The collector leaves out the programs marked with "?" if the kernel lacks their function. */
SEC("?fentry/tcp_sendmsg_fastopen")
int fastopen_enter(__u64 *ctx)
{
	fastopen_entered((struct sock *)ctx[0], (struct msghdr *)ctx[1]);
	return 0;
}

SEC("?fexit/tcp_sendmsg_fastopen")
int fastopen_exit(__u64 *ctx)
{
	call_returned((int)ctx[5], CALL_FASTOPEN);
	return 0;
}

SEC("?fentry/kernel_connect")
int kernel_enter(__u64 *ctx)
{
	kernel_entered((struct socket *)ctx[0], ctx[1], ctx[2]);
	return 0;
}

SEC("?fexit/kernel_connect")
int kernel_exit(__u64 *ctx)
{
	call_returned((int)ctx[4], CALL_KERNEL);
	return 0;
}

SEC("?tp_btf/inet_sk_error_report")
int socket_error(__u64 *ctx)
{
	attempt_error((struct sock *)ctx[0]);
	return 0;
}

SEC("?fentry/tcp_v6_err")
int icmp6_error(__u64 *ctx)
{
	attempt_icmp6((const struct sk_buff *)ctx[0], ctx[2], ctx[3], ctx[4]);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int socket_state(__u64 *ctx)
{
	attempt_state((struct sock *)ctx[0], ctx[1], ctx[2]);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int socket_state_left(__u64 *ctx)
{
	attempt_state_left((struct sock *)ctx[0], ctx[1], ctx[2]);
	return 0;
}

SEC("?raw_tp/kfree_skb")
int packet_drop(struct bpf_raw_tracepoint_args *ctx)
{
	packet_dropped(ctx);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int thread_exit(void *ctx __attribute__((unused)))
{
	attempt_thread_gone();
	return 0;
}
