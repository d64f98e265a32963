/* SPDX-License-Identifier: MIT */
/* Whole connections: both sides are in one process, so that every step has happened before the next one begins. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct side {
	int fd; /* -1: closed */
	long sent;
};

static long long boot_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int state_of(int fd)
{
	struct tcp_info info = {};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		err(2, "TCP_INFO");
	return info.tcpi_state;
}

static void wait_readable(int fd)
{
	struct pollfd poller = {fd, POLLIN, 0};

	if (poll(&poller, 1, 30000) != 1)
		errx(2, "nothing to read");
}

/* Sends bytes. `how`: '!' leaves them unread on the other side, '?' does not expect them to arrive; else they are read. */
static void send_bytes(struct side *from, struct side *to, long count, char how)
{
	static char room[1 << 16];
	ssize_t size;

	for (long left = count; left > 0; left -= size, from->sent += size)
		if ((size = send(from->fd, room, left < (long)sizeof(room) ? left : (long)sizeof(room), 0)) < 0) {
			print_result(errno);
			return;
		} else if (!how) {
			for (ssize_t taken = 0; taken < size;) {
				wait_readable(to->fd);
				ssize_t part = recv(to->fd, room, sizeof(room), 0);
				if (part <= 0)
					err(2, "recv");
				taken += part;
			}
		}
	if (how == '!')
		wait_readable(to->fd);
}

/* Ends one direction or both; waits until the other side knows, unless the connection has ended. */
static void end(struct side *of, struct side *other, char how)
{
	struct linger linger = {1, 0};
	struct pollfd poller = {state_of(of->fd) == TCP_CLOSE ? -1 : other->fd, POLLRDHUP, 0};

	if (how == 'H') {
		shutdown(of->fd, SHUT_WR);
	} else {
		if (how == 'R')
			setsockopt(of->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(of->fd);
		of->fd = -1;
	}
	if (poller.fd >= 0)
		poll(&poller, 1, 10000);
}

/* Waits for an error, and prints it. */
static void wait_error(int fd)
{
	struct pollfd poller = {fd, 0, 0};
	int error;
	socklen_t size = sizeof(error);

	poll(&poller, 1, 60000);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	print_result(error);
}

static void set(int fd, int name, int value)
{
	if (setsockopt(fd, name == SO_KEEPALIVE ? SOL_SOCKET : IPPROTO_TCP, name, &value, sizeof(value)))
		err(2, "setsockopt");
}

static void keep_alive(int fd)
{
	set(fd, SO_KEEPALIVE, 1);
	set(fd, TCP_KEEPIDLE, 1);
	set(fd, TCP_KEEPINTVL, 1);
	set(fd, TCP_KEEPCNT, 1);
}

/* Whether a socket of this port in the table is neither listening nor in TIME_WAIT. */
static bool is_in(const char *path, unsigned port)
{
	unsigned local, state;
	char line[512];
	bool found = false;
	FILE *table = fopen(path, "r");

	while (table && fgets(line, sizeof(line), table))
		if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 && local == port)
			found = found || (state != 6 && state != 10);
	if (table)
		fclose(table);
	return found;
}

static unsigned port_of(int fd)
{
	struct sockaddr_in6 at = {};
	socklen_t size = sizeof(at);

	getsockname(fd, (void *)&at, &size);
	return ntohs(at.sin6_port); /* at the same place as IPv4's */
}

static int listen_at(const struct target *at, int protocol)
{
	int fd = socket_for(at, SOCK_STREAM, protocol), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&at->at, at->size) || listen(fd, 16))
		err(2, "listen");
	return fd;
}

/* When the process is killed, the kernel closes its descriptors from the last to the first. */
static void close_client_first(struct side *client, const struct side *server)
{
	int fd = fcntl(client->fd, F_DUPFD, server->fd + 1);

	close(client->fd);
	client->fd = fd;
}

static void step(struct side *client, struct side *server, const char *what)
{
	struct side *side = *what == 's' ? server : client, *other = side == client ? server : client;
	pid_t child;

	if (what[1] == '>') {
		send_bytes(side, other, atol(what + 2), what[strcspn(what, "!?")]);
	} else if (what[1] == 'X' || what[1] == 'H' || what[1] == 'R') {
		end(side, other, what[1]);
	} else if (!strcmp(what, "keep-alive")) {
		keep_alive(client->fd);
	} else if (!strcmp(what, "time-out")) {
		set(client->fd, TCP_USER_TIMEOUT, 1500);
	} else if (!strcmp(what, "error")) {
		wait_error(client->fd);
	} else if (!strncmp(what, "wait", 4)) {
		print_result(0);
		getchar();
	} else if (!strcmp(what, "hand-over")) { /* another process continues, and this one closes its descriptors */
		if ((child = fork()) > 0) {
			close(client->fd);
			close(server->fd);
			waitpid(child, NULL, 0);
			exit(0);
		}
	} else {
		errx(2, "unknown step %s", what);
	}
}

/*
 * Opens a connection to itself and takes these steps, separated by blanks. Prints what the event about its end must say: the
 * bytes, and the least and the most time that it can have taken. It ends during the last step, or earlier: in a step with a `?`,
 * in `error` or in `wait-end`, or after it.
 */
static void live_with(char **args, int protocol)
{
	struct target to = target_of(args[0], args[1]);
	struct side client = {}, server = {};
	int listener = listen_at(&to, protocol);
	long long before, opened, last = 0;
	unsigned port;
	char *rest = NULL;
	bool ended = false;

	client.fd = socket_for(&to, SOCK_STREAM, protocol);
	before = boot_us();
	if (attempt(client.fd, &to))
		errx(2, "not connected");
	opened = boot_us();
	server.fd = accept(listener, NULL, NULL);
	close_client_first(&client, &server);
	port = port_of(client.fd);
	for (char *what = strtok_r(args[2], " ", &rest); what; what = strtok_r(NULL, " ", &rest)) {
		if (!ended)
			last = boot_us();
		ended = ended || strchr(what, '?') || !strcmp(what, "error") || !strcmp(what, "wait-end");
		step(&client, &server, what);
	}
	for (int i = 0; i < 20000 && (is_in("/proc/net/tcp", port) || is_in("/proc/net/tcp6", port)); i++)
		usleep(500);
	printf("{\"life\":{\"sent\":%ld,\"received\":%ld,\"least\":%lld,\"most\":%lld}}\n", client.sent, server.sent,
	       last - opened, boot_us() - before);
}

static void life(char **args) { live_with(args, 0); }

static void mptcp_life(char **args)
{
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	if (fd < 0)
		unavailable("MPTCP", errno);
	close(fd);
	live_with(args, IPPROTO_MPTCP);
}

const struct command life_commands[] = {{"life", 3, life}, {"mptcp-life", 3, mptcp_life}, {}};
