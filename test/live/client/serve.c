/* SPDX-License-Identifier: MIT */
/* The server side. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

/*
 * Accepts connections; prints `listening` when ready. Closes them much later than the client: closing before the client's
 * data arrives would cause a reset.
 */
static void serve(char **args)
{
	struct target at = target_of(args[0], args[1]);
	int fd = socket_for(&at, SOCK_STREAM, 0), queue = 64, one = 1, client, open[64] = {};

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
	if (bind(fd, (void *)&at.at, at.size) || listen(fd, 4096))
		err(2, "listen");
	puts("listening");
	fflush(stdout);
	for (unsigned int i = 0; (client = accept(fd, NULL, NULL)) >= 0; i = (i + 1) % 64) {
		if (open[i])
			close(open[i]);
		shutdown(client, SHUT_WR);
		open[i] = client;
	}
}

const struct command serve_commands[] = {{"serve", 2, serve}, {}};
