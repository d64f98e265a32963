/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel's types, reduced to the fields that are read. Offsets are relocated at load time from the running kernel's BTF,
 * so neither order nor completeness matters here.
 */
#ifndef SYNPIPE_KERNEL_H
#define SYNPIPE_KERNEL_H

#include <linux/types.h>

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCKADDR_MAX 128 /* sizeof(struct sockaddr_storage) */
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262
#define S_IFMT 0170000
#define S_IFSOCK 0140000
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
#define ECONNREFUSED 111
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_CLOSE = 7, TCP_LISTEN = 10 };
enum socket_state { SS_UNCONNECTED = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* the local port, host order; reset to 0 when the port is released */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct {
		struct net *net;
	} skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct {
		__s64 counter;
	} skc_cookie;
};

struct sk_buff {
	char cb[48];
	unsigned char *head;
	unsigned char *data;
	__u16 network_header; /* offset from head */
};

struct sk_buff_head {
	struct sk_buff *prev; /* the newest */
};

struct sock_extended_err {
	__u32 ee_errno;
	__u8 ee_origin;
	__u8 ee_type;
	__u8 ee_code;
};

struct sock_exterr_skb { /* in sk_buff.cb */
	struct sock_extended_err ee;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol; /* this wide since 5.6, which is before the BPF ring buffer */
	int sk_err;
	struct sk_buff_head sk_error_queue;
	struct socket *sk_socket;
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport; /* stays when the port is released, until another one is chosen */
};

struct tcp_sock {
	__u8 is_mptcp : 1;
	__u8 tcp_usec_ts : 1; /* retrans_stamp is in microseconds, not milliseconds */
	__u32 retrans_stamp;  /* in SYN_SENT: when the first SYN was sent, by the monotonic clock */
	__u32 total_retrans;
};

struct mptcp_sock {
	struct sock *first; /* its first subflow */
};

struct socket {
	enum socket_state state; /* an int would not match the kernel's enum */
	short type;
	struct file *file; /* NULL: the kernel made the socket for itself */
	struct sock *sk;
};

struct msghdr {
	void *msg_name; /* the kernel's copy of the address */
	int msg_namelen;
};

struct inode {
	unsigned short i_mode;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct seqcount {
	unsigned int sequence;
};

struct seqcount_spinlock {
	struct seqcount seqcount;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct seqcount_spinlock d_seq; /* odd while d_name and d_parent are being changed; different afterwards */
	struct hlist_bl_node d_hash; /* not hashed: no path leads to it any more */
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	struct file *exe_file;
};

struct thread_info {
	unsigned int status; /* only on x86 */
};

struct kuid {
	__u32 val;
};

struct cred {
	struct kuid uid;
	struct kuid gid;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp; /* in the unified hierarchy */
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level; /* of its innermost namespace */
	struct upid numbers[1]; /* indexed by level, up to that one */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	const struct cred *cred;
	struct css_set *cgroups;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	char comm[16];
};

struct pt_regs {
#if defined(__TARGET_ARCH_x86)
	unsigned long orig_ax;
	unsigned long bx;
	unsigned long di, si, dx, cx, r8, ax; /* a function's arguments, in this order, and its result */
#elif defined(__TARGET_ARCH_arm64)
	int syscallno;
	__u64 regs[31];
#endif
};

struct seq_file {
	unsigned long size;
	unsigned long count;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};

struct bpf_iter__tcp {
	struct sock_common *sk_common;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key;
};

struct trace_event_raw_sys_enter {
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long ret;
};

#pragma clang attribute pop

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
#else
#error "this architecture's system call numbers are not known"
#endif

#endif
