// SPDX-License-Identifier: MIT
// Capabilities and user IDs belong to a thread, and only the thread itself can give them up. Node has started several threads
// before our code runs, so each is interrupted by a signal whose handler does it, as the C library does for setuid(). The
// signal is the one that the C library uses internally: the only one that no thread can block.
#include "privileges.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <linux/capability.h>
#include <set>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace synpipe {
namespace {

constexpr int kSignal = 33; // SIGSETXID
constexpr int kWaitMillis = 2000;

std::atomic<uint64_t> kept;
Identity target_itself; // a late handler may still read it
std::atomic<const Identity *> target;
std::atomic<int> failed; // the first errno
std::atomic<int> done;

// The struct of the kernel's own call, needed because the C library's sigaction() refuses this signal.
struct Action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)();
	uint64_t mask;
};

#if defined(__x86_64__)
constexpr unsigned long kRestorer = 0x04000000; // SA_RESTORER, which this architecture requires
static_assert(SYS_rt_sigreturn == 15, "as in synpipe_signal_return");
extern "C" void synpipe_signal_return();
__asm__(".pushsection .text\n"
		".hidden synpipe_signal_return\n"
		".globl synpipe_signal_return\n"
		"synpipe_signal_return:\n"
		"	mov $15, %eax\n"
		"	syscall\n"
		".popsection\n");
#endif

void give_up_own() {
	int none = 0;
	if (int error = give_up_privileges(kept, target)) failed.compare_exchange_strong(none, error);
}

void on_signal(int) {
	int error = errno;
	give_up_own();
	errno = error;
	done.fetch_add(1);
}

// Sets the real, effective, saved and filesystem IDs. Makes the system calls directly: the C library's functions would signal
// the other threads. Returns 0 or an errno.
int become(const Identity &identity) {
	const gid_t gid = identity.gid;
	const uid_t uid = identity.uid;
	if (syscall(SYS_setgroups, 0, nullptr)) return errno;
	if (syscall(SYS_setresgid, gid, gid, gid)) return errno;
	return syscall(SYS_setresuid, uid, uid, uid) ? errno : 0;
}

std::set<pid_t> threads() {
	std::set<pid_t> ids;
	DIR *dir = opendir("/proc/self/task");
	if (!dir) return ids;
	while (dirent *entry = readdir(dir))
		if (pid_t id = atoi(entry->d_name)) ids.insert(id);
	closedir(dir);
	return ids;
}

bool exists(pid_t thread) { return syscall(SYS_tgkill, getpid(), thread, 0) == 0; }

// Waits until a thread's handler has run or the thread has ended. Returns false after a time-out.
bool wait_for(pid_t thread, int count) {
	for (int i = 0; done < count; i++) {
		if (!exists(thread)) return true;
		if (i == kWaitMillis * 10) return false;
		timespec pause = {0, 100000};
		nanosleep(&pause, nullptr);
	}
	return true;
}

// Signals every other thread. A new thread has what the thread that created it had then, so this repeats until it finds no
// new ones. Returns 0 or an errno.
int signal_all() {
	std::set<pid_t> asked = {static_cast<pid_t>(syscall(SYS_gettid))};
	for (bool more = true; more;) {
		std::set<pid_t> now = threads();
		if (now.empty()) return ENOENT; // no /proc
		more = false;
		for (pid_t thread : now) {
			if (!asked.insert(thread).second) continue;
			more = true;
			int count = done + 1;
			if (syscall(SYS_tgkill, getpid(), thread, kSignal) == 0 && !wait_for(thread, count)) return ETIMEDOUT;
		}
	}
	return 0;
}

} // namespace

// Makes only system calls, as it runs in a signal handler. The order matters: shrinking the bounding set needs CAP_SETPCAP,
// changing the user needs CAP_SETGID and CAP_SETUID, and a change from root to another user clears the permitted
// capabilities.
int give_up_privileges(uint64_t keep, const Identity *identity) {
	for (int cap = 0; cap <= 63; cap++)
		if (!(keep >> cap & 1)) prctl(PR_CAPBSET_DROP, cap);
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	int error = identity ? become(*identity) : 0;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	__user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	__user_cap_data_struct data[2] = {};
	if (syscall(SYS_capget, &header, data) == 0) {
		for (int i = 0; i < 2; i++) {
			data[i].permitted &= keep >> 32 * i;
			data[i].effective = data[i].permitted;
			data[i].inheritable = 0;
		}
		syscall(SYS_capset, &header, data);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	// Keeps other processes of this user from taking the BPF descriptors. This comes last, because the kernel sets it to
	// fs.suid_dumpable, which may be another value, whenever a thread's user changes.
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return error;
}

int give_up_privileges_everywhere(uint64_t keep, const Identity *identity) {
	kept = keep;
	if (identity) target_itself = *identity;
	target = identity ? &target_itself : nullptr;
	failed = 0;
	done = 0;
	// Unless the user is root, the threads of other processes count towards its limit too: they must not keep this process
	// from starting the thread that stops it.
	const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	if (identity) setrlimit(RLIMIT_NPROC, &unlimited);
	Action action = {}, before = {};
	action.handler = on_signal;
	action.flags = SA_RESTART;
#if defined(__x86_64__)
	action.flags |= kRestorer;
	action.restorer = synpipe_signal_return;
#endif
	if (syscall(SYS_rt_sigaction, kSignal, &action, &before, sizeof action.mask)) return errno;
	int error = signal_all();
	give_up_own();
	// After a time-out our handler stays: the C library's would not know what to do with a late signal.
	if (error == ETIMEDOUT) return error;
	syscall(SYS_rt_sigaction, kSignal, &before, nullptr, sizeof before.mask);
	return error ? error : +failed;
}

} // namespace synpipe
