// Runs a pipeline and measures it:
//
//     harness throughput file|pipe INPUT COMMAND ARG… [ '|' COMMAND ARG… ]…
//     harness latency COUNT LINE COMMAND ARG… [ '|' COMMAND ARG… ]…
//
// throughput: the first command's stdin is INPUT, or a pipe that INPUT is written to; the output is counted.
// Prints a JSON object: seconds (from the first fork to the last exit), lines, bytes, cpu (seconds of all commands),
// rss (peak of each, KiB), codes. latency: writes LINE and waits for a line of output, COUNT times, 5 ms apart. Prints a
// JSON array of microseconds.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 8
static char buffer[1 << 20];

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void make_pipe(int fds[2]) {
	if (pipe2(fds, O_CLOEXEC)) err(2, "pipe");
}

static pid_t start(char **command, int in, int out) {
	pid_t pid = fork();
	if (pid < 0) err(2, "fork");
	if (pid) return pid;
	dup2(in, 0);
	dup2(out, 1);
	execvp(command[0], command);
	err(127, "%s", command[0]);
}

// Starts the commands. Returns how many there are, their process IDs, and the write end of the first one's pipe.
static int start_all(char **words, int in, pid_t *ids, int *out) {
	int count = 0;
	for (char **command = words; command; count++) {
		if (count == MOST) errx(2, "at most %d commands", MOST);
		char **end = command;
		while (*end && strcmp(*end, "|")) end++;
		char **next = *end ? end + 1 : 0;
		*end = 0;
		int fds[2];
		make_pipe(fds);
		ids[count] = start(command, in, fds[1]);
		close(in);
		close(fds[1]);
		in = fds[0];
		command = next;
	}
	*out = in;
	return count;
}

static pid_t feed(const char *path, int *in) {
	int fds[2];
	make_pipe(fds);
	pid_t pid = fork();
	if (pid < 0) err(2, "fork");
	if (pid == 0) {
		int file = open(path, O_RDONLY);
		if (file < 0) err(2, "%s", path);
		close(fds[0]);
		for (ssize_t got; (got = read(file, buffer, 1 << 16)) > 0;)
			for (ssize_t at = 0, put; at < got; at += put)
				if ((put = write(fds[1], buffer + at, got - at)) < 0) _exit(0); // the reader has closed the pipe
		_exit(0);
	}
	close(fds[1]);
	*in = fds[0];
	return pid;
}

static int throughput(const char *how, const char *path, char **words) {
	double began = now();
	int in, out;
	pid_t feeder = 0, ids[MOST];
	if (!strcmp(how, "pipe")) feeder = feed(path, &in);
	else if ((in = open(path, O_RDONLY | O_CLOEXEC)) < 0) err(2, "%s", path);
	int count = start_all(words, in, ids, &out);
	long long lines = 0, bytes = 0;
	for (ssize_t got; (got = read(out, buffer, sizeof buffer)) > 0;) {
		bytes += got;
		for (char *at = buffer; (at = memchr(at, '\n', buffer + got - at)); at++) lines++;
	}
	struct rusage used[MOST];
	int status[MOST];
	for (int i = 0; i < count; i++) wait4(ids[i], &status[i], 0, &used[i]);
	double seconds = now() - began, cpu = 0;
	if (feeder) waitpid(feeder, 0, 0);
	for (int i = 0; i < count; i++)
		cpu += used[i].ru_utime.tv_sec + used[i].ru_stime.tv_sec + (used[i].ru_utime.tv_usec + used[i].ru_stime.tv_usec) / 1e6;
	printf("{\"seconds\":%.6f,\"lines\":%lld,\"bytes\":%lld,\"cpu\":%.3f,\"rss\":[", seconds, lines, bytes, cpu);
	for (int i = 0; i < count; i++) printf("%s%ld", i ? "," : "", used[i].ru_maxrss);
	printf("],\"codes\":[");
	for (int i = 0; i < count; i++) printf("%s%d", i ? "," : "", WIFEXITED(status[i]) ? WEXITSTATUS(status[i]) : -1);
	printf("]}\n");
	return 0;
}

static int latency(int count, const char *line, char **words) {
	int fds[2], out;
	pid_t ids[MOST];
	make_pipe(fds);
	int commands = start_all(words, fds[0], ids, &out);
	const int warm = 50; // the first ones include start-up
	printf("[");
	for (int i = 0; i < warm + count; i++) {
		double began = now();
		if (write(fds[1], line, strlen(line)) < 0 || write(fds[1], "\n", 1) < 0) err(2, "write");
		for (;;) {
			ssize_t got = read(out, buffer, sizeof buffer);
			if (got <= 0) errx(2, "it ended");
			if (buffer[got - 1] == '\n') break;
		}
		if (i >= warm) printf("%s%.1f", i > warm ? "," : "", (now() - began) * 1e6);
		usleep(5000);
	}
	printf("]\n");
	close(fds[1]);
	for (int i = 0; i < commands; i++) waitpid(ids[i], 0, 0);
	return 0;
}

int main(int argc, char **argv) {
	if (argc > 4 && !strcmp(argv[1], "throughput")) return throughput(argv[2], argv[3], argv + 4);
	if (argc > 4 && !strcmp(argv[1], "latency")) return latency(atoi(argv[2]), argv[3], argv + 4);
	errx(2, "throughput file|pipe INPUT COMMAND…, or latency COUNT LINE COMMAND…");
}
