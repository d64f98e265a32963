/* SPDX-License-Identifier: MIT */
/* Threads, processes, and many attempts. */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_name(const char *hex)
{
	char name[16] = {};

	for (int i = 0; i < 15 && hex[2 * i]; i++) {
		char pair[] = {hex[2 * i], hex[2 * i + 1], 0};
		name[i] = strtol(pair, NULL, 16);
	}
	prctl(PR_SET_NAME, name);
}

static void *named(void *args)
{
	struct target to = target_of(((char **)args)[1], ((char **)args)[2]);

	set_name(((char **)args)[0]);
	attempt(socket_for(&to, SOCK_STREAM, 0), &to);
	return NULL;
}

static void name(char **args) { named(args); }

static void thread(char **args)
{
	pthread_t other;

	if (pthread_create(&other, NULL, named, args))
		errx(2, "pthread_create");
	pthread_join(other, NULL);
}

/* Starts processes that exit at once, while their connection is in progress. */
static void processes(char **args)
{
	struct target to = target_of(args[1], args[2]);

	for (int i = atoi(args[0]); i > 0; i--) {
		pid_t child = fork();

		if (child < 0)
			err(2, "fork");
		if (child == 0) {
			attempt(socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0), &to);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
}

/* Closes with a reset, which leaves no port in TIME_WAIT. */
static void drop(int fd)
{
	struct linger linger = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void *bursts(void *args)
{
	struct target to = target_of(((char **)args)[2], ((char **)args)[3]);

	for (int i = atoi(((char **)args)[1]); i > 0; i--) {
		int fd = socket_for(&to, SOCK_STREAM, 0);

		attempt(fd, &to);
		drop(fd);
	}
	return NULL;
}

/* Runs THREADS threads that make COUNT attempts each, as fast as they can. */
static void burst(char **args)
{
	pthread_t threads[16];
	int count = atoi(args[0]);

	for (int i = 0; i < count && i < 16; i++)
		pthread_create(&threads[i], NULL, bursts, args);
	for (int i = 0; i < count && i < 16; i++)
		pthread_join(threads[i], NULL);
}

/* Makes COUNT attempts without printing them. */
static void quiet(char **args)
{
	struct target to = target_of(args[1], args[2]);

	for (int i = atoi(args[0]); i > 0; i--) {
		int fd = socket_for(&to, SOCK_STREAM, 0);

		(void)!connect(fd, (void *)&to.at, to.size);
		drop(fd);
	}
}

/* Starts COUNT attempts, then waits until each has failed. */
static void under_way(char **args)
{
	struct target to = target_of(args[1], args[2]);
	int count = atoi(args[0]);
	struct pollfd *all = calloc(count, sizeof(*all));

	for (int i = 0; i < count; i++, usleep(500)) {
		all[i] = (struct pollfd){socket_for(&to, SOCK_STREAM | SOCK_NONBLOCK, 0), POLLOUT, 0};
		attempt(all[i].fd, &to);
	}
	for (int i = 0; i < count; i++) {
		int error;
		socklen_t size = sizeof(error);

		poll(&all[i], 1, -1);
		getsockopt(all[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
		print_result(error);
	}
}

/* Makes one attempt after the other until killed. */
static void forever(char **args)
{
	char *once[] = {"1", args[0], args[1]};

	for (;; usleep(500))
		quiet(once);
}

const struct command many_commands[] = {
	{"name", 3, name},   {"thread", 3, thread}, {"processes", 3, processes},
	{"burst", 4, burst}, {"quiet", 3, quiet},   {"forever", 2, forever},	 {"under-way", 3, under_way}, {},
};
