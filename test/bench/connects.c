/*
 * connects N accepted|refused: so many blocking connects to loopback; prints of each, on average, the nanoseconds that
 * it took, and those of its thread alone: without the tracer's own process, where that came in between.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, accepted = argc > 2 && !strcmp(argv[2], "accepted");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger reset = {.l_onoff = 1}; /* no TIME_WAIT, or the ports run out */
	socklen_t size = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	double elapsed = 0, thread = 0;

	if (n <= 0 || bind(listener, (struct sockaddr *)&to, size) || getsockname(listener, (struct sockaddr *)&to, &size))
		return 2;
	if (accepted && listen(listener, 16))
		return 1;
	for (int i = 0; i < n; i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0);
		double thread_start = now(CLOCK_THREAD_CPUTIME_ID), start = now(CLOCK_MONOTONIC);
		int failed = connect(s, (struct sockaddr *)&to, size);

		elapsed += now(CLOCK_MONOTONIC) - start;
		thread += now(CLOCK_THREAD_CPUTIME_ID) - thread_start;
		if (!failed != accepted)
			return 1;
		if (accepted)
			close(accept(listener, NULL, NULL));
		setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(s);
	}
	printf("%.1f %.1f\n", elapsed / n, thread / n);
	return 0;
}
