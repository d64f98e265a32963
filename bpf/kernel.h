/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel's types, reduced to the fields that are read. Offsets are relocated at load time from the running kernel's BTF,
 * so neither order nor completeness matters here.
 */
#ifndef SYNPIPE_KERNEL_H
#define SYNPIPE_KERNEL_H

#include <linux/types.h>

#include "numbers.h"

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
	unsigned long skc_flags; /* bits of enum sock_flags */
	struct {
		__s64 counter;
	} skc_cookie;
};

struct net_device {
	int ifindex; /* LOOPBACK_IFINDEX for each namespace's own loopback */
};

struct dst_entry {
	struct net_device *dev;
};

struct sk_buff {
	unsigned long _skb_refdst; /* a struct dst_entry *, and a flag in the lowest bit */
	struct sock *sk; /* whose packet it is, if known: the sender, or the receiver */
	struct net_device *dev;
	int skb_iif; /* the interface it came in by; 0: it is on its way out */
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

struct inet_bind_bucket { /* a local port */
	signed char fastreuse; /* negative: all its sockets have got it in connect(), not in bind() */
};

struct inet_connection_sock {
	struct inet_bind_bucket *icsk_bind_hash;
};

struct minmax_sample {
	__u32 v;
};

struct minmax {
	struct minmax_sample s[1];
};

struct tcp_sock {
	__u8 is_mptcp : 1;
	__u8 tcp_usec_ts : 1; /* retrans_stamp is in microseconds, not milliseconds */
	__u32 retrans_stamp;  /* in SYN_SENT: when the first SYN was sent, by the monotonic clock */
	__u32 total_retrans;
	__u64 bytes_sent;     /* payload, what is sent again included */
	__u64 bytes_retrans;  /* payload that was sent again */
	__u64 bytes_acked;    /* sequence space: SYN and FIN count too */
	__u64 bytes_received; /* in order; a FIN counts as a byte */
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq; /* the end of what is queued, a FIN included */
	__u32 srtt_us; /* in units of 1/8 */
	struct minmax rtt_min;
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
	unsigned long flags;
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

struct bpf_map;

struct bpf_iter_meta {
	__u64 seq_num; /* how many objects came before */
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

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
};

struct trace_event_raw_sys_enter {
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long ret;
};

#pragma clang attribute pop

#endif
