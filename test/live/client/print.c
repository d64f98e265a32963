/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct target target_of(const char *address, const char *port)
{
	struct target to = {};
	struct sockaddr_in *v4 = (void *)&to.at;
	struct sockaddr_in6 *v6 = (void *)&to.at;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		to.size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
		to.size = sizeof(*v6);
	} else {
		errx(2, "not an IP address: %s", address);
	}
	return to;
}

int socket_for(const struct target *to, int type, int protocol)
{
	int fd = socket(to->at.ss_family, type, protocol);

	if (fd < 0)
		err(2, "socket");
	return fd;
}

long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Writes each line in one call, so that many processes can share the output. */
static void print(const char *line)
{
	fputs(line, stdout);
	if (fflush(stdout))
		err(2, "write");
}

/* Writes the address as the event does. Returns its IP version. */
static int describe(const struct sockaddr_storage *at, char *text, int *port, bool *mapped)
{
	const struct sockaddr_in *v4 = (const void *)at;
	const struct sockaddr_in6 *v6 = (const void *)at;

	*mapped = false;
	if (at->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
		*port = ntohs(v4->sin_port);
		return 4;
	}
	*port = ntohs(v6->sin6_port);
	*mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
	if (*mapped)
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
	return *mapped ? 4 : 6;
}

static char *put_hex(char *out, const char *bytes)
{
	for (; *bytes; bytes++)
		out += sprintf(out, "%02x", (unsigned char)*bytes);
	return out;
}

/* The process's name, which is its first thread's, and its program. */
static char *put_process(char *out)
{
	char comm[17] = {}, exe[256] = {};
	int fd = open("/proc/self/comm", O_RDONLY);
	int size = read(fd, comm, sizeof(comm) - 1);

	close(fd);
	comm[size > 0 ? size - 1 : 0] = 0; /* without its newline */
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		return out;
	out = put_hex(out + sprintf(out, "\",\"pcomm\":\""), comm);
	return out + sprintf(out, "\",\"exe\":\"%s", exe);
}

static char *put_task(char *out, int pid, int tid, int ppid)
{
	char comm[16] = {};
	struct stat netns;

	prctl(PR_GET_NAME, comm);
	stat("/proc/thread-self/ns/net", &netns);
	out += sprintf(out, "\"pid\":%d,\"tid\":%d,\"ppid\":%d,\"uid\":%u,\"gid\":%u,\"comm\":\"", pid, tid, ppid, getuid(),
		       getgid());
	out = put_process(put_hex(out, comm));
	return out + sprintf(out, "\",\"netns\":%lu", (unsigned long)netns.st_ino);
}

static char *put_ends(char *out, int fd, const struct target *to)
{
	struct sockaddr_storage at = to->at, from = {};
	socklen_t size = sizeof(at);
	char text[INET6_ADDRSTRLEN];
	bool mapped, ignored;
	int family, port;

	if (getpeername(fd, (void *)&at, &size))
		at = to->at;
	family = describe(&at, text, &port, &mapped);
	out += sprintf(out, ",\"family\":%d%s,\"daddr\":\"%s\",\"dport\":%d", family, mapped ? ",\"v4mapped\":true" : "", text,
		       port);
	size = sizeof(from);
	if (getsockname(fd, (void *)&from, &size) || !describe(&from, text, &port, &ignored))
		return out;
	if (strcmp(text, "0.0.0.0") && strcmp(text, "::"))
		out += sprintf(out, ",\"saddr\":\"%s\"", text);
	if (port)
		out += sprintf(out, ",\"sport\":%d", port);
	return out;
}

static void tell_all(const char *via, int pid, int tid, int ppid, int fd, const struct target *to, int error,
		     long long began_us)
{
	long long ended_us = now_us();
	char line[2048], *out = line;

	*out++ = '{';
	out = put_task(out, pid, tid, ppid);
	out = put_ends(out, fd, to);
	out += sprintf(out, ",\"via\":\"%s\"", via);
	if (error)
		out += sprintf(out, ",\"errno\":%d,\"error\":\"%s\"", error, strerrorname_np(error));
	sprintf(out, ",\"began\":%lld,\"ended\":%lld}\n", began_us, ended_us);
	print(line);
}

void print_attempt(const char *via, int fd, const struct target *to, int error, long long began_us)
{
	tell_all(via, getpid(), gettid(), getppid(), fd, to, error, began_us);
}

void print_attempt_of(int pid, int tid, int ppid, int fd, const struct target *to, int error, long long began_us)
{
	tell_all("connect", pid, tid, ppid, fd, to, error, began_us);
}

int attempt(int fd, const struct target *to)
{
	long long began_us = now_us();
	int error = connect(fd, (const void *)&to->at, to->size) ? errno : 0;

	print_attempt("connect", fd, to, error, began_us);
	return error;
}

void print_result(int error)
{
	char line[64];

	sprintf(line, "{\"then\":\"%s\"}\n", error ? strerrorname_np(error) : "ok");
	print(line);
}

void unavailable(const char *what, int error)
{
	char line[256];

	snprintf(line, sizeof(line), "{\"unavailable\":\"%s: %s\"}\n", what, error ? strerrorname_np(error) : "no");
	print(line);
	exit(0);
}

int again(int fd, const struct target *to)
{
	int error = connect(fd, (const void *)&to->at, to->size) ? errno : 0;

	print_result(error);
	return error;
}
