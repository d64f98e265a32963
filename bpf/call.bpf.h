/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Handles the entry of the functions that start attempts, for the tiers that can hook them. */
#ifndef SYNPIPE_CALL_BPF_H
#define SYNPIPE_CALL_BPF_H

#include "attempt.bpf.h"

/*
 * Set by a call with an empty address, which does not start an attempt. The collector makes such a call after attaching, to
 * see whether connect() reaches the hook: if the compiler has inlined the function into connect(), only io_uring calls it.
 */
bool answered SEC(".data.answered") = false;

/* __sys_connect_file(file, address, addrlen, file_flags) */
static __always_inline void connect_entered(struct file *file, __u64 address, int addrlen, int file_flags)
{
	struct call_arguments from = {.address = address, .addrlen = addrlen, .kernel = true, .entry = CALL_CONNECT};
	/* connect() passes no flags. io_uring passes O_NONBLOCK, except from its own threads, which may block. */
	bool io_uring = file_flags || current()->flags & PF_IO_WORKER;
	struct socket *socket;

	if (addrlen == 0)
		answered = true;
	socket = socket_of(file);
	if (socket)
		call_entered(socket, &from, io_uring ? ATTEMPT_VIA_IO_URING : ATTEMPT_VIA_CONNECT);
}

/* tcp_sendmsg_fastopen(sk, msg, …): sendto() and similar calls with MSG_FASTOPEN. */
static __always_inline void fastopen_entered(struct sock *sk, struct msghdr *msg)
{
	struct call_arguments from = {.kernel = true, .entry = CALL_FASTOPEN};
	struct socket *socket = READ_GIVEN(sk, sk_socket);

	from.address = (__u64)READ_GIVEN(msg, msg_name);
	from.addrlen = READ_GIVEN(msg, msg_namelen);
	if (socket)
		call_entered(socket, &from, via_of(sk));
}

/* kernel_connect(socket, address, addrlen, flags) */
static __always_inline void kernel_entered(struct socket *socket, __u64 address, int addrlen)
{
	struct call_arguments from = {.address = address, .addrlen = addrlen, .kernel = true, .entry = CALL_KERNEL};

	call_entered(socket, &from, via_of(READ_GIVEN(socket, sk)));
}

#endif
