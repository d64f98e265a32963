/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* No packet of this may leave the machine: it runs only in the network namespace that a test made for it. */
static void refuse_other_namespace(void)
{
	const char *wanted = getenv("SYNPIPE_TEST_NETNS");
	struct stat own;

	if (!wanted || stat("/proc/self/ns/net", &own) || strtoul(wanted, NULL, 10) != own.st_ino)
		errx(2, "run it in a separate network namespace, with its inode number in SYNPIPE_TEST_NETNS");
}

static const struct command *find(const struct command *commands, const char *name)
{
	for (; commands->name; commands++)
		if (!strcmp(commands->name, name))
			return commands;
	return NULL;
}

/* client [wait] [denied|denied-enotsock] COMMAND ARG… */
int main(int argc, char **argv)
{
	const struct command *groups[] = {plain_commands, odd_commands,	 many_commands,
									  other_commands, serve_commands, ends_commands,
									  hold_commands, evade_commands, life_commands};
	const struct command *command = NULL;

	refuse_other_namespace();
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "wait")) {
		getchar();
		argc--;
		argv++;
	}
	if (argc > 1 && !strncmp(argv[1], "denied", 6)) {
		deny_connects(argv[1][6] ? ENOTSOCK : EPERM);
		argc--;
		argv++;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(groups) / sizeof(*groups) && !command; i++)
		command = find(groups[i], argv[1]);
	if (!command || argc - 2 != command->args)
		errx(2, "unknown command, or wrong number of arguments");
	command->run(argv + 2);
	return 0;
}
