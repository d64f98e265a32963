// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The tier for kernels without trampolines: it hooks the same functions as the fentry tier by kprobe and kretprobe, and the same
 * tracepoints as raw tracepoints. For each function the kernel can follow only a limited number of calls to their return at the
 * same time (twice the number of CPUs, at least ten). The return of a further connect() is seen at the end of the system call. Any
 * other call is then counted as lost when its thread exits or connects again.
 * The programs are in the order in which an attempt meets them; the collector attaches them from the last to the first.
 */
#define SEES_ICMP6
#include "attempt.bpf.h"
#include "call.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("kprobe/__sys_connect_file")
int connect_enter(struct pt_regs *ctx)
{
	__u64 argument[] = ARGUMENTS(ctx);

	connect_entered((struct file *)argument[0], argument[1], argument[2], argument[3]);
	return 0;
}

SEC("kretprobe/__sys_connect_file")
int connect_exit(struct pt_regs *ctx)
{
	call_returned((int)RESULT(ctx), CALL_CONNECT);
	return 0;
}

/* The collector leaves out the programs marked with "?" if the kernel lacks their function or tracepoint, or refuses it. */
SEC("?tp/syscalls/sys_exit_connect")
int connect_over(struct trace_event_raw_sys_exit *ctx)
{
	call_returned(ctx->ret, CALL_CONNECT);
	return 0;
}

SEC("?kprobe/tcp_sendmsg_fastopen")
int fastopen_enter(struct pt_regs *ctx)
{
	__u64 argument[] = ARGUMENTS(ctx);

	fastopen_entered((struct sock *)argument[0], (struct msghdr *)argument[1]);
	return 0;
}

SEC("?kretprobe/tcp_sendmsg_fastopen")
int fastopen_exit(struct pt_regs *ctx)
{
	call_returned((int)RESULT(ctx), CALL_FASTOPEN);
	return 0;
}

SEC("?kprobe/kernel_connect")
int kernel_enter(struct pt_regs *ctx)
{
	__u64 argument[] = ARGUMENTS(ctx);

	kernel_entered((struct socket *)argument[0], argument[1], argument[2]);
	return 0;
}

SEC("?kretprobe/kernel_connect")
int kernel_exit(struct pt_regs *ctx)
{
	call_returned((int)RESULT(ctx), CALL_KERNEL);
	return 0;
}

SEC("?raw_tp/inet_sk_error_report")
int socket_error(struct bpf_raw_tracepoint_args *ctx)
{
	attempt_error((struct sock *)ctx->args[0]);
	return 0;
}

SEC("?kprobe/tcp_v6_err")
int icmp6_error(struct pt_regs *ctx)
{
	__u64 argument[] = ARGUMENTS(ctx);

	attempt_icmp6((const struct sk_buff *)argument[0], argument[2], argument[3], argument[4]);
	return 0;
}

SEC("raw_tp/inet_sock_set_state")
int socket_state(struct bpf_raw_tracepoint_args *ctx)
{
	attempt_state((struct sock *)ctx->args[0], ctx->args[1], ctx->args[2]);
	return 0;
}

SEC("raw_tp/inet_sock_set_state")
int socket_state_left(struct bpf_raw_tracepoint_args *ctx)
{
	attempt_state_left((struct sock *)ctx->args[0], ctx->args[1], ctx->args[2]);
	return 0;
}

/*
 * The collector attaches this since Linux 7. There the program of a raw tracepoint can be preempted, and until it continues the
 * kernel skips it for the other threads on that CPU. The program of a kprobe is never preempted.
 */
SEC("kprobe/tcp_connect")
int syn_due(struct pt_regs *ctx)
{
	__u64 argument[] = ARGUMENTS(ctx);

	attempt_syn_due((struct sock *)argument[0]);
	return 0;
}

SEC("?raw_tp/kfree_skb")
int packet_drop(struct bpf_raw_tracepoint_args *ctx)
{
	packet_dropped(ctx);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int thread_exit(void *ctx __attribute__((unused)))
{
	attempt_thread_gone();
	return 0;
}
