/* SPDX-License-Identifier: MIT */
/*
 * A client that makes connection attempts in odd ways. It prints a line for each: what the event must say, as far as a
 * program can know it. The result of a later call on the socket is a separate line, {"then": …}.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct target {
	struct sockaddr_storage at;
	socklen_t size;
};

struct target target_of(const char *address, const char *port);
int socket_for(const struct target *to, int type, int protocol);
long long now_us(void);

/* Calls connect() and prints the attempt's line. Returns errno, or 0 for success. */
int attempt(int fd, const struct target *to);
/* Prints the line of an attempt made by other means, or with an address of another size. */
void print_attempt(const char *via, int fd, const struct target *to, int error, long long began_us);
/* The same on behalf of another thread, which cannot print it. */
void print_attempt_of(int pid, int tid, int ppid, int fd, const struct target *to, int error, long long began_us);
/* Prints the result of a call that makes no attempt. */
void print_result(int error);
/* Reports that this machine cannot do it, so that the test is skipped. */
void unavailable(const char *what, int error);
/* Calls connect() again, which makes no new attempt here. */
int again(int fd, const struct target *to);

/* From now on a cgroup program denies this process's connects. */
void deny_connects(int error);

struct command {
	const char *name;
	int args;
	void (*run)(char **args);
};
extern const struct command plain_commands[], odd_commands[], many_commands[], other_commands[], serve_commands[],
	ends_commands[], hold_commands[], evade_commands[], life_commands[];
