// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Copies the DNS packets that this machine's sockets send and receive. The programs are attached to the root cgroup, which
 * every packet of every socket passes, in any network namespace, loopback included, with fragments already reassembled.
 * They only look: every packet continues on its way. The collector works out which answer belongs to which query. The
 * asking process is recorded in the socket, when it is connected to a server or sends a query to one by address: while a
 * packet is on its way out, the current process is not reliable, and older kernels do not let the program ask for it.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dns_asker.bpf.h"
#include "dns_packet.h"
#include "kernel.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_UDP 17
#define UDP_HEAD 8
#define TCP_HEAD 20
#define DNS_HEAD 12
#define DNS_QR 0x80 /* in the third byte: the message is an answer */

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* In a separate section, so that the map that the collector writes holds nothing else. */
const volatile struct dns_config dns_config SEC(".rodata.config") = {};

/* Inserted by put, read and released by the collector, which may give it another size before load. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} dns_packets SEC(".maps");

/* Indexed by enum dns_drop. Incremented by put, read by the collector through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DNS_DROPS);
	__type(key, __u32);
	__type(value, __u64);
} dns_drops SEC(".maps");

static __always_inline bool netns_wanted(__u32 netns)
{
	if (dns_config.netns_count == 0)
		return true;
	for (__u32 i = 0; i < DNS_NETNS_MAX && i < dns_config.netns_count; i++)
		if (dns_config.netns[i] == netns)
			return true;
	return false;
}

/* This kind of program can access only a socket's public fields, so the head of the kernel's own struct is copied. */
static __always_inline __u32 netns_of(struct bpf_sock *sk)
{
	__u32 at = bpf_core_field_offset(struct sock_common, skc_net.net);
	struct net *net;
	__u64 head[16];

	if (at > sizeof(head) - sizeof(net) || at % sizeof(net) || bpf_probe_read_kernel(head, sizeof(head), sk))
		return 0;
	net = (struct net *)head[at / sizeof(net) % 16];
	return BPF_CORE_READ(net, ns.inum);
}

static __always_inline void drop(enum dns_drop reason)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&dns_drops, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/*
 * Writes a record to the ring buffer: the head, the asking process if it is known, and the bytes from `at` on, which fit into
 * `room`, a power of two. The arithmetic on `size` does not change it: it shows the verifier of older kernels that `size` is
 * neither 0 nor too large.
 */
static __always_inline void put(struct __sk_buff *skb, struct dns_packet *head, const struct asked *by, __u32 at,
				const __u32 room)
{
	const __u32 before = by ? sizeof(by->by.process) : 0;
	struct dns_packet *packet = bpf_ringbuf_reserve(&dns_packets, sizeof(*packet) + before + room, 0);
	__u32 size = head->size;

	if (!packet) {
		drop(head->kind == DNS_QUERY ? DNS_DROP_QUERY : DNS_DROP_OTHER);
		return;
	}
	__builtin_memcpy(packet, head, sizeof(*head));
	if (by) {
		packet->asker = 1;
		copy_process((struct process *)packet->data, &by->by.process);
	}
	if (size > 0) {
		asm volatile("" : "+r"(size));
		size = ((size - 1) & (room - 1)) + 1;
		if (bpf_skb_load_bytes(skb, at, packet->data + before, size)) {
			bpf_ringbuf_discard(packet, 0);
			return;
		}
	}
	bpf_ringbuf_submit(packet, 0);
}

/* Writes a record of one of four sizes: the verifier requires constant ones. */
static __always_inline void put_sized(struct __sk_buff *skb, struct dns_packet *head, const struct asked *by, __u32 at)
{
	if (head->size <= 128)
		put(skb, head, by, at, 128);
	else if (head->size <= 512)
		put(skb, head, by, at, 512);
	else if (head->size <= 4096)
		put(skb, head, by, at, 4096);
	else
		put(skb, head, by, at, 65536);
}

static __always_inline void report(struct __sk_buff *skb, struct bpf_sock *sk, struct dns_packet *head,
				   const struct asked *by, __u32 at)
{
	head->netns = netns_of(sk);
	if (!netns_wanted(head->netns))
		return;
	head->time_ns = bpf_ktime_get_boot_ns();
	head->socket = bpf_get_socket_cookie(skb);
	if (!by) {
		put_sized(skb, head, NULL, at);
		return;
	}
	__builtin_memcpy(head->asked, by->server, sizeof(by->server));
	put_sized(skb, head, by, at);
}

/* Returns the size of the IP header, and reads the protocol and the peer's address. Returns 0 if the packet is not IP. */
static __always_inline __u32 read_ip(struct __sk_buff *skb, bool out, __u8 *protocol, struct dns_packet *head)
{
	__u8 *ip = (__u8 *)(long)skb->data, *end = (__u8 *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (ip + 20 > end)
			return 0;
		*protocol = ip[9];
		head->peer[10] = head->peer[11] = 0xff;
		__builtin_memcpy(head->peer + 12, ip + (out ? 16 : 12), 4);
		return (ip[0] & 15) * 4;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || ip + 40 > end)
		return 0;
	*protocol = ip[6];
	__builtin_memcpy(head->peer, ip + (out ? 24 : 8), 16);
	return 40;
}

static __always_inline void datagram(struct __sk_buff *skb, struct bpf_sock *sk, bool out, __u32 at,
				     struct dns_packet *head)
{
	struct {
		__be16 source, destination, size, check;
	} udp;
	const struct asked *by = NULL;
	__u8 dns[4];

	if (bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)))
		return;
	head->connected = sk->dst_port != 0;
	if (!out && udp.source != bpf_htons(PORT))
		return;
	if (out && head->connected && sk->dst_port != bpf_htons(PORT))
		return;
	if (out)
		by = bpf_sk_storage_get(&asked, sk, NULL, 0);
	/* A NAT may have changed the port of a query by now. */
	if (out && !head->connected && !by && udp.destination != bpf_htons(PORT))
		return;
	at += UDP_HEAD;
	head->size = skb->len - at;
	if (skb->len < at + DNS_HEAD || head->size > 65535 || bpf_skb_load_bytes(skb, at, dns, sizeof(dns)))
		return;
	if (!(dns[2] & DNS_QR) != out)
		return;
	head->kind = out ? DNS_QUERY : DNS_ANSWER;
	report(skb, sk, head, by, at);
}

static __always_inline void segment(struct __sk_buff *skb, struct bpf_sock *sk, bool out, __u32 at,
				    struct dns_packet *head)
{
	const struct asked *by = NULL;
	__u8 tcp[TCP_HEAD];

	if (sk->dst_port != bpf_htons(PORT) || bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return;
	at += tcp[12] >> 4 << 2;
	if (skb->len < at)
		return;
	head->size = skb->len - at;
	if (head->size > 65535)
		head->size = 65535;
	head->flags = tcp[13] & (DNS_TCP_FIN | DNS_TCP_SYN | DNS_TCP_RST);
	if (head->size == 0 && head->flags == 0)
		return;
	head->seq = (__u32)tcp[4] << 24 | (__u32)tcp[5] << 16 | (__u32)tcp[6] << 8 | tcp[7];
	head->kind = out ? DNS_TCP_OUT : DNS_TCP_IN;
	if (out && head->flags & DNS_TCP_SYN)
		by = bpf_sk_storage_get(&asked, sk, NULL, 0);
	report(skb, sk, head, by, at);
}

static __always_inline void look(struct __sk_buff *skb, bool out)
{
	struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
	struct dns_packet head = {};
	__u8 protocol = 0;
	__u32 at;

	if (!sk)
		return;
	at = read_ip(skb, out, &protocol, &head);
	if (at == 0 || (protocol != IPPROTO_UDP && protocol != IPPROTO_TCP))
		return;
	if (protocol == IPPROTO_UDP)
		datagram(skb, sk, out, at, &head);
	else
		segment(skb, sk, out, at, &head);
}

SEC("cgroup_skb/ingress")
int dns_in(struct __sk_buff *skb)
{
	look(skb, false);
	return PASS;
}

SEC("cgroup_skb/egress")
int dns_out(struct __sk_buff *skb)
{
	look(skb, true);
	return PASS;
}

SEC("cgroup/sendmsg4")
int dns_sends4(struct bpf_sock_addr *to)
{
	return note_asker4(to);
}

SEC("cgroup/sendmsg6")
int dns_sends6(struct bpf_sock_addr *to)
{
	return note_asker6(to);
}

SEC("cgroup/connect4")
int dns_connects4(struct bpf_sock_addr *to)
{
	return note_asker4(to);
}

SEC("cgroup/connect6")
int dns_connects6(struct bpf_sock_addr *to)
{
	return note_asker6(to);
}
