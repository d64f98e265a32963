/*
 * packets N udp|tcp|dns: sends N datagrams of 64 bytes, pieces of 64 KiB, or queries on port 53 with their answers, over
 * loopback and in one thread. Prints the average nanoseconds of each. Must run in a separate network namespace.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\4test\0\0\1\0\1";
static const char answer[] = "\0\1\x81\x80\0\1\0\2\0\0\0\0\3www\7example\4test\0\0\1\0\1"
			     "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\x7f\0\0\1\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\x7f\0\0\2";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, tcp = argc > 2 && !strcmp(argv[2], "tcp"), dns = argc > 2 && !strcmp(argv[2], "dns");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(dns ? 53 : 5300), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int a = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0), b = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	static char bytes[65536];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int one = 1, big = 1 << 20;
	double start;

	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(b, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(a, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	if (n <= 0 || bind(b, (struct sockaddr *)&to, sizeof(to)) || (tcp && listen(b, 1)))
		return 2;
	if (connect(a, (struct sockaddr *)&to, sizeof(to)) || (tcp && (b = accept(b, NULL, NULL)) < 0))
		return 1;
	start = now();
	for (int i = 0; i < n; i++) {
		if (tcp) {
			for (int sent = 0, got = 0; got < (int)sizeof(bytes); got += recv(b, bytes, sizeof(bytes), 0))
				while (sent < (int)sizeof(bytes))
					sent += send(a, bytes, sizeof(bytes) - sent, 0);
		} else {
			if (send(a, dns ? query : bytes, dns ? sizeof(query) - 1 : 64, 0) < 0)
				return 1;
			recvfrom(b, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
			if (dns && (sendto(b, answer, sizeof(answer) - 1, 0, (struct sockaddr *)&from, size) < 0 || recv(a, bytes, sizeof(bytes), 0) <= 0))
				return 1;
		}
	}
	printf("%.1f\n", (now() - start) / n);
	return 0;
}
