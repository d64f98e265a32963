// SPDX-License-Identifier: MIT
// Provides what this addon and the archives in it use of C libraries newer than glibc 2.28, Node's own minimum: if it is
// compiled on a newer system, it loads on older ones too. Hidden, so that no other code in the process sees it.
#include <cerrno>
#include <csignal>
#include <ctime>
#include <new>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

// Since 2.32. libstdc++ checks this before it leaves out atomic operations. There are always threads here.
extern "C" char __libc_single_threaded;
char __libc_single_threaded = 0;

namespace std {
void __throw_bad_array_new_length() { throw bad_array_new_length(); } // since libstdc++ 11
} // namespace std

extern "C" {

// Inline before 2.33. Code that was compiled for large files uses the names with 64; here both are the same.
int fstat_(int fd, void *to) __asm__("fstat");
int fstat64_(int fd, void *to) __asm__("fstat64");
int fstatat_(int fd, const char *path, void *to, int flags) __asm__("fstatat");
int fstatat64_(int fd, const char *path, void *to, int flags) __asm__("fstatat64");
int fstat_(int fd, void *to) { return syscall(SYS_fstat, fd, to); }
int fstat64_(int fd, void *to) { return syscall(SYS_fstat, fd, to); }
int fstatat_(int fd, const char *path, void *to, int flags) { return syscall(SYS_newfstatat, fd, path, to, flags); }
int fstatat64_(int fd, const char *path, void *to, int flags) { return syscall(SYS_newfstatat, fd, path, to, flags); }

// Moved from libpthread in 2.32.
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) noexcept {
	return sigprocmask(how, set, old) ? errno : 0; // on Linux every mask is a thread's
}

// Since 2.30. Callers check again whether it is time, so if the clock is set meanwhile, that only costs some time.
int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const timespec *until) {
	timespec there, here;
	clock_gettime(clock, &there);
	clock_gettime(CLOCK_REALTIME, &here);
	const long second = 1'000'000'000;
	long nanos = here.tv_nsec + until->tv_nsec - there.tv_nsec;
	here.tv_sec += until->tv_sec - there.tv_sec + (nanos < 0 ? -1 : nanos / second);
	here.tv_nsec = nanos < 0 ? nanos + second : nanos % second;
	return pthread_cond_timedwait(cond, mutex, &here);
}

// Since 2.32.
const char *strerrorname_np(int error) noexcept {
	switch (error) {
#define NAME(name)                                                                                                     \
	case name:                                                                                                         \
		return #name;
		NAME(EPERM) NAME(ENOENT) NAME(ESRCH) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(E2BIG) NAME(ENOEXEC)
		NAME(EBADF) NAME(ECHILD) NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT) NAME(ENOTBLK) NAME(EBUSY)
		NAME(EEXIST) NAME(EXDEV) NAME(ENODEV) NAME(ENOTDIR) NAME(EISDIR) NAME(EINVAL) NAME(ENFILE) NAME(EMFILE)
		NAME(ENOTTY) NAME(ETXTBSY) NAME(EFBIG) NAME(ENOSPC) NAME(ESPIPE) NAME(EROFS) NAME(EMLINK) NAME(EPIPE)
		NAME(EDOM) NAME(ERANGE) NAME(EDEADLK) NAME(ENAMETOOLONG) NAME(ENOLCK) NAME(ENOSYS) NAME(ENOTEMPTY) NAME(ELOOP)
		NAME(ENOMSG) NAME(EIDRM) NAME(ECHRNG) NAME(EL2NSYNC) NAME(EL3HLT) NAME(EL3RST) NAME(ELNRNG) NAME(EUNATCH)
		NAME(ENOCSI) NAME(EL2HLT) NAME(EBADE) NAME(EBADR) NAME(EXFULL) NAME(ENOANO) NAME(EBADRQC) NAME(EBADSLT)
		NAME(EBFONT) NAME(ENOSTR) NAME(ENODATA) NAME(ETIME) NAME(ENOSR) NAME(ENONET) NAME(ENOPKG) NAME(EREMOTE)
		NAME(ENOLINK) NAME(EADV) NAME(ESRMNT) NAME(ECOMM) NAME(EPROTO) NAME(EMULTIHOP) NAME(EDOTDOT) NAME(EBADMSG)
		NAME(EOVERFLOW) NAME(ENOTUNIQ) NAME(EBADFD) NAME(EREMCHG) NAME(ELIBACC) NAME(ELIBBAD) NAME(ELIBSCN) NAME(ELIBMAX)
		NAME(ELIBEXEC) NAME(EILSEQ) NAME(ERESTART) NAME(ESTRPIPE) NAME(EUSERS) NAME(ENOTSOCK) NAME(EDESTADDRREQ) NAME(EMSGSIZE)
		NAME(EPROTOTYPE) NAME(ENOPROTOOPT) NAME(EPROTONOSUPPORT) NAME(ESOCKTNOSUPPORT) NAME(EOPNOTSUPP) NAME(EPFNOSUPPORT) NAME(EAFNOSUPPORT) NAME(EADDRINUSE)
		NAME(EADDRNOTAVAIL) NAME(ENETDOWN) NAME(ENETUNREACH) NAME(ENETRESET) NAME(ECONNABORTED) NAME(ECONNRESET) NAME(ENOBUFS) NAME(EISCONN)
		NAME(ENOTCONN) NAME(ESHUTDOWN) NAME(ETOOMANYREFS) NAME(ETIMEDOUT) NAME(ECONNREFUSED) NAME(EHOSTDOWN) NAME(EHOSTUNREACH) NAME(EALREADY)
		NAME(EINPROGRESS) NAME(ESTALE) NAME(EUCLEAN) NAME(ENOTNAM) NAME(ENAVAIL) NAME(EISNAM) NAME(EREMOTEIO) NAME(EDQUOT)
		NAME(ENOMEDIUM) NAME(EMEDIUMTYPE) NAME(ECANCELED) NAME(ENOKEY) NAME(EKEYEXPIRED) NAME(EKEYREVOKED) NAME(EKEYREJECTED) NAME(EOWNERDEAD)
		NAME(ENOTRECOVERABLE) NAME(ERFKILL) NAME(EHWPOISON)
#undef NAME
	}
	return nullptr;
}

} // extern "C"
