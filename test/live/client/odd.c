/* SPDX-License-Identifier: MIT */
/* connect() calls that make no attempt, or fail before anything happens. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

static void silent(int fd, const void *address, socklen_t size)
{
	print_result(connect(fd, address, size) ? errno : 0);
	close(fd);
}

/* None of these is a TCP attempt. */
static void no_attempts(char **args)
{
	struct target to = target_of(args[0], args[1]);
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	silent(socket_for(&to, SOCK_DGRAM, 0), &to.at, to.size);
	silent(socket(AF_UNIX, SOCK_STREAM, 0), &un, sizeof(un));
	silent(socket_for(&to, SOCK_STREAM, 0), &none, sizeof(none));
	silent(socket_for(&to, SOCK_STREAM, 0), &un, sizeof(un));
	silent(socket_for(&to, SOCK_STREAM, 0), (void *)8, to.size);
	silent(socket_for(&to, SOCK_STREAM, 0), &to.at, 4);
	silent(socket_for(&to, SOCK_STREAM, 0), &to.at, -1);
	silent(-1, &to.at, to.size);
	silent(1 << 20, &to.at, to.size);
	silent(open("/dev/null", O_RDONLY), &to.at, to.size);
	silent(open("/proc/self/maps", O_RDONLY), &to.at, to.size);
	silent(epoll_create1(0), &to.at, to.size);
	silent(eventfd(0, 0), &to.at, to.size);
	silent(socket(AF_UNIX, SOCK_STREAM, 0), &to.at, to.size);
	silent(open("/", O_PATH), &to.at, to.size);
}

static void while_listening(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM, 0);

	listen(fd, 1);
	again(fd, &to);
}

/* Connects, connects again while connected, disconnects, and connects. */
static void disconnect(char **args)
{
	struct target to = target_of(args[0], args[1]);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = socket_for(&to, SOCK_STREAM, 0);

	attempt(fd, &to);
	again(fd, &to);
	print_result(connect(fd, &none, sizeof(none)) ? errno : 0);
	attempt(fd, &to);
}

/* Passes an address of another family than the socket's. */
static void other_family(char **args)
{
	struct target own = target_of(args[0], "0"), to = target_of(args[1], args[2]);

	attempt(socket_for(&own, SOCK_STREAM, 0), &to);
}

/* Passes an address size that is too short or too long. */
static void sized(char **args)
{
	struct target to = target_of(args[1], args[2]);
	int fd = socket_for(&to, SOCK_STREAM, 0);

	to.size = atoi(args[0]);
	attempt(fd, &to);
}

const struct command odd_commands[] = {
	{"no-attempts", 2, no_attempts},   {"while-listening", 2, while_listening}, {"disconnect", 2, disconnect},
	{"other-family", 3, other_family}, {"sized", 3, sized},			    {},
};
