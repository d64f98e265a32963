/* SPDX-License-Identifier: MIT */
/*
 * A client that makes connection attempts in odd ways. For each it prints a line: what the event must tell, as
 * far as a program can know it. What a later call on the socket returned is a line of its own, {"then": …}.
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

/* connect(), and its line. Returns errno, 0 for success. */
int attempt(int fd, const struct target *to);
/* The line of an attempt that was made by other means, or with an address of another size. */
void tell(const char *via, int fd, const struct target *to, int error, long long began_us);
/* The same in the name of another thread, which could not speak for itself. */
void tell_for(int pid, int tid, int ppid, int fd, const struct target *to, int error, long long began_us);
/* What a call returned that makes no attempt. */
void then(int error);
/* This machine cannot do it: the test is skipped. */
void unavailable(const char *what, int error);
/* connect() again, which makes no attempt here. */
int again(int fd, const struct target *to);

/* From now on a cgroup program refuses what this process connects to. */
void deny_connects(int error);

struct command {
	const char *name;
	int args;
	void (*run)(char **args);
};
extern const struct command plain_commands[], odd_commands[], many_commands[], other_commands[], serve_commands[],
	ends_commands[], hold_commands[], evade_commands[];
