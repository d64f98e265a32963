/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The kernel's numbers: constants of its interfaces, and what differs between processors. */
#ifndef SYNPIPE_NUMBERS_H
#define SYNPIPE_NUMBERS_H

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCKADDR_MAX 128 /* sizeof(struct sockaddr_storage) */
#define IPPROTO_TCP 6
#define LOOPBACK_IFINDEX 1
#define IPPROTO_MPTCP 262
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

#define EINTR 4
#define EFAULT 14
#define EEXIST 17
#define ENOTSOCK 88
#define EADDRNOTAVAIL 99
#define EINPROGRESS 115
/* The restart codes never reach the program, but sys_exit sees them. */
#define ERESTARTSYS 512
#define ERESTART_RESTARTBLOCK 516
#define EPIPE 32
#define ECONNABORTED 103
#define ECONNRESET 104
#define ECONNREFUSED 111
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT,
	TCP_LISTEN = 10,
};
enum sock_flags { SOCK_DONE = 1 }; /* a FIN has arrived */
enum socket_state { SS_UNCONNECTED = 1 };
enum skb_drop_reason { SKB_DROP_REASON_NOT_SPECIFIED = 2, SKB_DROP_REASON_NETFILTER_DROP = 12 };

#if defined(__TARGET_ARCH_x86)
#define ARGUMENTS(ctx) {(ctx)->di, (ctx)->si, (ctx)->dx, (ctx)->cx, (ctx)->r8}
#define RESULT(ctx) ((ctx)->ax)
#define TS_COMPAT 2 /* in a 32-bit program's system call */
enum { NR_CONNECT = 42, NR_SENDTO = 44, NR_SENDMSG = 46, NR_SENDMMSG = 307, NR_IO_URING_ENTER = 426 };
enum { NR32_SOCKETCALL = 102, NR32_CONNECT = 362, NR32_SOCKETCALL_CONNECT = 3 };
#elif defined(__TARGET_ARCH_arm64)
#define ARGUMENTS(ctx) {(ctx)->regs[0], (ctx)->regs[1], (ctx)->regs[2], (ctx)->regs[3], (ctx)->regs[4]}
#define RESULT(ctx) ((ctx)->regs[0])
enum { NR_CONNECT = 203, NR_SENDTO = 206, NR_SENDMSG = 211, NR_SENDMMSG = 269, NR_IO_URING_ENTER = 426 };
#define TIF_32BIT (1 << 22) /* a 32-bit program */
enum { NR32_CONNECT = 283 };
#else
#error "this architecture's system call numbers are not known"
#endif

#endif
