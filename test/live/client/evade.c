/* SPDX-License-Identifier: MIT */
/* While one thread connects, another changes what the kernel is about to read. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT 200 /* the descriptor that changes */

static struct target to;
static atomic_int stopped, tcp = -1;
static int udp;

static void pause_for(int turns)
{
	for (volatile int i = 0; i < turns; i++)
		;
}

/* With AF_UNSPEC, connect() disconnects, which is not an attempt. */
static void *change_family(void *unused)
{
	volatile sa_family_t *family = &to.at.ss_family;
	sa_family_t real = *family;

	for (; !stopped; pause_for(20)) {
		*family = AF_UNSPEC;
		pause_for(20);
		*family = real;
	}
	*family = real;
	return unused;
}

static void *change_descriptor(void *unused)
{
	for (int fd; !stopped;) {
		fd = tcp;
		if (fd < 0)
			continue;
		dup2(udp, SLOT);
		dup2(fd, SLOT);
	}
	return unused;
}

/* evade fam|fd COUNT ADDRESS PORT: prints the local port of each established connection, one per line. */
static void evade(char **args)
{
	bool by_family = !strcmp(args[0], "fam");
	int listener, one = 1;
	struct linger reset = {1, 0};
	pthread_t other;

	to = target_of(args[2], args[3]);
	listener = socket_for(&to, SOCK_STREAM, 0);
	udp = socket_for(&to, SOCK_DGRAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&to.at, to.size) || listen(listener, 4096))
		err(2, "listen");
	sa_family_t family = to.at.ss_family;
	if (pthread_create(&other, NULL, by_family ? change_family : change_descriptor, NULL))
		errx(2, "pthread_create");
	for (int i = atoi(args[1]); i > 0; i--) {
		int fd = socket(family, SOCK_STREAM, 0), peer;
		struct sockaddr_storage at;
		socklen_t size = sizeof(at);

		if (!by_family) {
			dup2(fd, SLOT);
			tcp = fd;
		}
		(void)!connect(by_family ? fd : SLOT, (void *)&to.at, to.size);
		tcp = -1;
		if (!getpeername(fd, (void *)&at, &size) && !getsockname(fd, (void *)&at, &size)) {
			/* IPv6 has its port at the same offset. */
			printf("%d\n", ntohs(((struct sockaddr_in *)&at)->sin_port));
			peer = accept(listener, NULL, NULL);
			setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(peer);
		}
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	stopped = 1;
	pthread_join(other, NULL);
}

const struct command evade_commands[] = {{"evade", 4, evade}, {}};
