/* SPDX-License-Identifier: MIT */
/* Attempts that wait until the test has seen enough. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Prints the time before the call, since the call may never return. */
static void hanging(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM, 0), error;

	printf("{\"began\":%lld}\n", now_us());
	fflush(stdout);
	error = connect(fd, (void *)&to.at, to.size) ? errno : 0;
	print_result(error);
}

/* Makes COUNT attempts, keeps them open until the next line of standard input, then closes all sockets. */
static void hold(char **args)
{
	struct target to = target_of(args[1], args[2]);
	int count = atoi(args[0]), refused = 0, *all = calloc(count, sizeof(*all));
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < count; i++) {
		all[i] = socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(all[i], (void *)&to.at, to.size) && errno != EINPROGRESS)
			refused = errno;
	}
	print_result(refused);
	getchar();
	for (int i = 0; i < count; i++)
		close(all[i]);
	print_result(0);
	getchar();
}

/* Puts the socket's only descriptor in flight to another process that does not receive it. */
static void unowned(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0), pair[2];
	char room[CMSG_SPACE(sizeof(fd))] = {}, byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(2, "socketpair");
	attempt(fd, &to);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	*(int *)CMSG_DATA(head) = fd;
	if (sendmsg(pair[0], &message, 0) != 1)
		err(2, "sendmsg");
	close(fd);
	print_result(0);
	getchar();
}

const struct command hold_commands[] = {{"hanging", 2, hanging}, {"hold", 3, hold}, {"unowned", 2, unowned}, {}};
