// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The tier that runs everywhere: it uses the system call's tracepoints, and the raw tracepoint of the socket's state.
 * The programs are in the order in which an attempt meets them; the collector attaches them from the last to the first.
 */
#include "attempt.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Returns the current task's file for a descriptor, or NULL. */
static __always_inline struct file *file_of(unsigned int fd)
{
	struct fdtable *table = current()->files->fdt;
	struct file *file = NULL;

	if (fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file;
}

SEC("tp/syscalls/sys_enter_connect")
int connect_enter(struct trace_event_raw_sys_enter *ctx)
{
	struct call_arguments from = {.address = ctx->args[1], .addrlen = ctx->args[2], .entry = CALL_CONNECT};
	struct socket *socket = socket_of(file_of(ctx->args[0]));

	if (socket)
		call_entered(socket, &from, ATTEMPT_VIA_CONNECT);
	return 0;
}

SEC("tp/syscalls/sys_exit_connect")
int connect_exit(struct trace_event_raw_sys_exit *ctx)
{
	call_returned(ctx->ret, CALL_CONNECT);
	return 0;
}

SEC("?raw_tp/inet_sk_error_report")
int socket_error(struct bpf_raw_tracepoint_args *ctx)
{
	attempt_error((struct sock *)ctx->args[0]);
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
