/* SPDX-License-Identifier: MIT */
/* Creates a cgroup for this process alone, whose BPF programs deny every connect(). */
#define _GNU_SOURCE
#include "client.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char root[256], own[300];

static void enter(const char *cgroup)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		unavailable(path, errno);
	close(fd);
}

/* Removing the cgroup removes its programs. */
static void leave(void)
{
	enter(root);
	rmdir(own);
}

/* The kernel's default errno for a denial is EPERM. Another errno needs a kernel from 6.1 on. */
static void refuse(int cgroup, int attach_type, int error)
{
	struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = -error},
							  {.code = BPF_JMP | BPF_CALL, .imm = 187}, /* bpf_set_retval */
							  {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
							  {.code = BPF_JMP | BPF_EXIT}};
	int first = error == EPERM ? 2 : 0;
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
						   .insns = (unsigned long)(code + first),
						   .insn_cnt = 4 - first,
						   .license = (unsigned long)"MIT",
						   .expected_attach_type = attach_type};
	union bpf_attr attach = {.target_fd = cgroup, .attach_type = attach_type};

	attach.attach_bpf_fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if ((int)attach.attach_bpf_fd < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)))
		unavailable("cgroup program", errno);
}

void deny_connects(int error)
{
	FILE *mounts = fopen("/proc/mounts", "r");
	char line[1024], type[32] = {};
	int cgroup;

	while (mounts && strcmp(type, "cgroup2") && fgets(line, sizeof(line), mounts))
		sscanf(line, "%*s %255s %31s", root, type);
	if (strcmp(type, "cgroup2"))
		unavailable("cgroup v2", 0);
	snprintf(own, sizeof(own), "%s/synpipe-client-%d", root, getpid());
	if (mkdir(own, 0755) && errno != EEXIST) /* left by a killed process */
		unavailable(own, errno);
	cgroup = open(own, O_RDONLY | O_DIRECTORY);
	refuse(cgroup, BPF_CGROUP_INET4_CONNECT, error);
	refuse(cgroup, BPF_CGROUP_INET6_CONNECT, error);
	close(cgroup);
	enter(own);
	atexit(leave);
}
