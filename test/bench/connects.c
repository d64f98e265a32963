/*
 * connects N accepted|refused: makes N blocking connects to loopback. Prints the average nanoseconds of connect() alone, and
 * of the whole attempt from socket() to close().
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, accepted = argc > 2 && !strcmp(argv[2], "accepted");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger reset = {.l_onoff = 1}; /* avoids TIME_WAIT, or the ports would run out */
	socklen_t size = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	double in_connect = 0, whole;

	if (n <= 0 || bind(listener, (struct sockaddr *)&to, size) || getsockname(listener, (struct sockaddr *)&to, &size))
		return 2;
	if (accepted && listen(listener, 16))
		return 1;
	whole = now();
	for (int i = 0; i < n; i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0);
		double start = now();
		int failed = connect(s, (struct sockaddr *)&to, size);

		in_connect += now() - start;
		if (!failed != accepted)
			return 1;
		if (accepted)
			close(accept(listener, NULL, NULL));
		setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(s);
	}
	printf("%.1f %.1f\n", in_connect / n, (now() - whole) / n);
	return 0;
}
