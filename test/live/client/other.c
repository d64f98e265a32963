/* SPDX-License-Identifier: MIT */
/* Attempts made by other means than connect() of a 64-bit program on a TCP socket. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* TCP Fast Open: the data is sent with the SYN. */
static void fast_open(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM, 0);
	long long began_us = now_us();
	int error = sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&to.at, to.size) == 1 ? 0 : errno;

	print_attempt("sendmsg", fd, &to, error, began_us);
}

/* TCP Fast Open as a socket option: connect() returns before a SYN is sent. */
static void fast_open_connect(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one));
	attempt(fd, &to);
	print_result(write(fd, "x", 1) == 1 ? 0 : errno);
}

static void mptcp(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket(to.at.ss_family, SOCK_STREAM, IPPROTO_MPTCP);
	long long began_us = now_us();
	int error;

	if (fd < 0)
		unavailable("MPTCP socket", errno);
	error = connect(fd, (void *)&to.at, to.size) ? errno : 0;
	print_attempt("mptcp", fd, &to, error, began_us);
}

/* Makes an MPTCP connection to itself and keeps it until stdin ends. The kernel adds the subflows that it is configured for. */
static void mptcp_held(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int listener = socket(to.at.ss_family, SOCK_STREAM, IPPROTO_MPTCP), one = 1;
	int fd = socket(to.at.ss_family, SOCK_STREAM, IPPROTO_MPTCP), peer;
	long long began_us;

	if (fd < 0 || listener < 0)
		unavailable("MPTCP socket", errno);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&to.at, to.size) || listen(listener, 4))
		err(2, "listen");
	began_us = now_us();
	print_attempt("mptcp", fd, &to, connect(fd, (void *)&to.at, to.size) ? errno : 0, began_us);
	peer = accept(listener, NULL, NULL);
	print_result(write(peer, "x", 1) == 1 && read(fd, &one, 1) == 1 ? 0 : errno);
	print_result(write(fd, "x", 1) == 1 && read(peer, &one, 1) == 1 ? 0 : errno);
	getchar();
}

/* io_uring without liburing: submits one connect and waits for it. `async`: in a worker thread. */
static void uring(char **args)
{
	struct target to = target_of(args[1], args[2]);
	struct io_uring_params params = {};
	int fd = socket_for(&to, SOCK_STREAM, 0), ring = syscall(SYS_io_uring_setup, 4, &params);
	long long began_us;
	char *sq, *cq;
	struct io_uring_sqe *sqe;

	if (ring < 0)
		unavailable("io_uring_setup", errno);
	sq = mmap(NULL, params.sq_off.array + 4 * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + 8 * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		  IORING_OFF_CQ_RING);
	sqe = mmap(NULL, 4 * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (unsigned long)&to.at, .off = to.size};
	if (args[0][0] == 'a')
		sqe->flags = IOSQE_ASYNC;
	*(unsigned *)(sq + params.sq_off.array) = 0;
	atomic_store((_Atomic unsigned *)(sq + params.sq_off.tail), 1);
	began_us = now_us();
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		unavailable("io_uring_enter", errno);
	print_attempt("io_uring", fd, &to, -((struct io_uring_cqe *)(cq + params.cq_off.cqes))->res, began_us);
}

/* The kernel itself connects: NVMe over TCP, whose driver connects when asked to. */
static void kernel(char **args)
{
	struct target to = target_of(args[0], args[1]);
	long long began_us;
	char options[256];
	int fd, size;

	fd = open("/dev/nvme-fabrics", O_RDWR);
	if (fd < 0)
		unavailable("/dev/nvme-fabrics", errno);
	size = snprintf(options, sizeof(options), "transport=tcp,traddr=%s,trsvcid=%s,nqn=test", args[0], args[1]);
	began_us = now_us();
	print_attempt("kernel", fd, &to, write(fd, options, size) == size ? 0 : errno, began_us);
}

#ifdef __x86_64__
static sigjmp_buf no_emulation;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(no_emulation, 1);
}

/* Makes the system call as a 32-bit program does. */
static void compat(char **args)
{
	struct target to = target_of(args[0], args[1]), *low;
	int fd = socket_for(&to, SOCK_STREAM, 0), result = 362;
	long long began_us;

	low = mmap(NULL, sizeof(to), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	*low = to;
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(no_emulation, 1))
		unavailable("32-bit system calls", 0);
	began_us = now_us();
	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(fd), "c"(low), "d"(to.size)
			 : "r8", "r9", "r10", "r11", "memory");
	print_attempt("connect", fd, &to, -result, began_us);
}
#else
/* Becomes this client, compiled for the 32-bit programs of this processor, if there is one beside this file. */
static void compat(char **args)
{
	char path[4096] = "";

	if (readlink("/proc/self/exe", path, sizeof(path) - sizeof("-32")) < 0)
		err(2, "/proc/self/exe");
	strcat(path, "-32");
	execl(path, path, "blocking", args[0], args[1], NULL);
	unavailable("32-bit system calls", errno);
}
#endif

const struct command other_commands[] = {
	{"fast-open", 2, fast_open}, {"fast-open-connect", 2, fast_open_connect}, {"mptcp", 2, mptcp}, {"uring", 3, uring},
	{"compat", 2, compat},	     {"kernel", 2, kernel},			{"mptcp-held", 2, mptcp_held},
	{},
};
