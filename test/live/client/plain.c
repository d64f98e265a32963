/* SPDX-License-Identifier: MIT */
/* What ordinary programs do. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void blocking(char **args)
{
	struct target to = target_of(args[0], args[1]);

	attempt(socket_for(&to, SOCK_STREAM, 0), &to);
}

/* Learns the result from poll() and SO_ERROR. */
static void nonblocking(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd poller = {fd, POLLOUT, 0};
	int error;
	socklen_t size = sizeof(error);

	if (attempt(fd, &to) != EINPROGRESS)
		return;
	poll(&poller, 1, -1);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	print_result(error);
}

/* Learns the result by calling connect() again: EALREADY while in progress, EISCONN after success. */
static void polling(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd poller = {fd, POLLOUT, 0};

	attempt(fd, &to);
	if (again(fd, &to) == EALREADY) {
		poll(&poller, 1, -1);
		again(fd, &to);
	}
	if (args[2][0] == 'i')
		again(fd, &to);
}

static void bound(char **args)
{
	struct target from = target_of(args[0], args[1]), to = target_of(args[2], args[3]);
	int fd = socket_for(&to, SOCK_STREAM, 0);

	if (bind(fd, (void *)&from.at, from.size))
		err(2, "bind");
	attempt(fd, &to);
}

/* One socket, two attempts. */
static void twice(char **args)
{
	struct target first = target_of(args[0], args[1]), second = target_of(args[2], args[3]);
	int fd = socket_for(&first, SOCK_STREAM, 0);

	attempt(fd, &first);
	attempt(fd, &second);
}

/* One non-blocking socket, two attempts. Learns the first one's error from connect(). */
static void twice_nonblocking(char **args)
{
	struct target first = target_of(args[0], args[1]), second = target_of(args[2], args[3]);
	int fd = socket_for(&first, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd poller = {fd, POLLOUT, 0};

	attempt(fd, &first);
	poll(&poller, 1, -1);
	again(fd, &first);
	attempt(fd, &second);
}

static void on_alarm(int signal) { (void)signal; }

/* Sends signals repeatedly, since the first may arrive before the call. With 0, sends no more. */
static void arm(int flags, int every_us)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
	struct itimerval soon = {{.tv_usec = every_us}, {.tv_usec = every_us}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

/* A signal interrupts connect(); calling it again waits for the same attempt. */
static void interrupted(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM, 0);

	arm(0, 200000);
	attempt(fd, &to);
	arm(0, 0);
	again(fd, &to);
}

/* The kernel restarts the call by itself. */
static void restarted(char **args)
{
	struct target to = target_of(args[0], args[1]);

	arm(SA_RESTART, 200000);
	attempt(socket_for(&to, SOCK_STREAM, 0), &to);
}

/* Killed during connect(). */
static void killed(char **args)
{
	struct target to = target_of(args[0], args[1]);
	int fd = socket_for(&to, SOCK_STREAM, 0);
	long long began_us = now_us();
	pid_t child = fork();

	if (child == 0) {
		alarm(1);
		connect(fd, (void *)&to.at, to.size);
		_exit(0);
	}
	if (waitpid(child, NULL, 0) != child)
		err(2, "waitpid");
	print_attempt_of(child, child, getpid(), fd, &to, 0, began_us);
}

static void as_user(char **args)
{
	unsigned uid = atoi(args[0]), gid = atoi(args[1]);

	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		err(2, "setresuid");
	blocking(args + 2);
}

const struct command plain_commands[] = {
	{"blocking", 2, blocking},	 {"nonblocking", 2, nonblocking}, {"polling", 3, polling},
	{"bound", 4, bound},		 {"twice", 4, twice},		  {"twice-nonblocking", 4, twice_nonblocking},
	{"interrupted", 2, interrupted}, {"restarted", 2, restarted},	  {"killed", 2, killed},
	{"as-user", 4, as_user},	 {},
};
