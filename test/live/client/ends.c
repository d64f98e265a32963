/* SPDX-License-Identifier: MIT */
/* Attempts that end only with help from the test. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* Closes a socket in SYN_SENT and keeps running. */
static void closing(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0);

	attempt(fd, &to);
	close(fd);
	getchar();
}

/* The address of a struct sockaddr_in, in two halves, for the checksum. */
static uint32_t halves(const struct sockaddr_in *at)
{
	return (at->sin_addr.s_addr & 0xffff) + (at->sin_addr.s_addr >> 16);
}

/* Sends a segment as the peer would. */
static void inject(int raw, const struct target *peer, const struct target *to, struct tcphdr tcp)
{
	const struct sockaddr_in *from4 = (const void *)&peer->at, *to4 = (const void *)&to->at;
	struct sockaddr_in where = *to4;
	const uint16_t *words = (const void *)&tcp;
	uint32_t sum = halves(from4) + halves(to4) + htons(IPPROTO_TCP) + htons(sizeof(tcp));

	tcp.source = from4->sin_port;
	tcp.dest = to4->sin_port;
	tcp.doff = sizeof(tcp) / 4;
	tcp.window = htons(1000);
	for (size_t i = 0; i < sizeof(tcp) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	tcp.check = ~(sum + (sum >> 16));
	where.sin_port = 0;
	if (sendto(raw, &tcp, sizeof(tcp), 0, (void *)&where, sizeof(where)) != sizeof(tcp))
		err(2, "sendto");
}

static void wait_for_state(int fd, int state)
{
	struct tcp_info info = {};
	socklen_t size = sizeof(info);

	for (int i = 0; i < 10000 && info.tcpi_state != state; i++, usleep(1000))
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (info.tcpi_state != state)
		errx(2, "in state %d, not %d", info.tcpi_state, state);
}

/* Plays a peer whose SYN crosses ours and which then resets. IPv4 only. */
static void reset(char **args)
{
	struct target from = target_of(args[0], args[1]), to = target_of(args[2], args[3]);
	int fd = socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0), raw = socket_for(&to, SOCK_RAW, IPPROTO_TCP);
	struct pollfd poller = {fd, POLLOUT, 0};
	int error;
	socklen_t size = sizeof(error);

	if (bind(fd, (void *)&from.at, from.size))
		err(2, "bind");
	attempt(fd, &to);
	inject(raw, &to, &from, (struct tcphdr){.syn = 1, .seq = htonl(1000)});
	wait_for_state(fd, TCP_SYN_RECV);
	inject(raw, &to, &from, (struct tcphdr){.rst = 1, .seq = htonl(1001)});
	poll(&poller, 1, -1);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	print_result(error);
}

const struct command ends_commands[] = {{"closing", 2, closing}, {"reset", 4, reset}, {}};
