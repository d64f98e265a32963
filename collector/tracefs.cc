// SPDX-License-Identifier: MIT
// A tracepoint's id can only be read from tracefs, which may not be mounted. Instead of mounting it for the whole machine,
// this reads an instance without a mount point: nothing is left over, and no path is shadowed.
#include "tracefs.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace synpipe {
namespace {

// Makes these system calls by number: the C library has functions for them only since glibc 2.36.
int open_detached() {
	int fs = syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (fs < 0) return -errno;
	int mount = -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
		mount = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	int error = errno;
	close(fs);
	return mount < 0 ? -error : mount;
}

int open_tracefs() {
	for (auto path : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
		int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0) continue;
		struct stat found; // not faccessat(), which counts capabilities only for root
		if (fstatat(dir, "events", &found, 0) == 0) return dir;
		close(dir); // it is the empty mount point
	}
	return open_detached();
}

long tracepoint_id(const char *name) {
	int dir = open_tracefs();
	if (dir < 0) return dir;
	std::string path = std::string("events/") + name + "/id";
	int file = openat(dir, path.c_str(), O_RDONLY | O_CLOEXEC);
	int error = errno;
	close(dir);
	if (file < 0) return -error;
	char text[32] = {};
	ssize_t size = read(file, text, sizeof text - 1);
	error = errno;
	close(file);
	return size > 0 ? atol(text) : -error;
}

} // namespace

int open_tracepoint(const char *name) {
	long id = tracepoint_id(name);
	if (id < 0) return id;
	perf_event_attr attr = {};
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.size = sizeof attr;
	attr.config = id;
	// The CPU does not matter: a BPF program on a tracepoint runs on all of them.
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

} // namespace synpipe
