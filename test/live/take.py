# Prints, as a JSON array, which resources of the given process this process can access.
import ctypes, json, os, sys

pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
taken = []


def attempt(name, take):
    try:
        if take():
            taken.append(name)
    except OSError:
        pass


def call(*args):
    return libc.syscall(*(ctypes.c_long(arg) for arg in args)) >= 0


PTRACE_SEIZE = 0x4206
pidfd = os.pidfd_open(pid)
attempt("fd", lambda: os.listdir(f"/proc/{pid}/fd"))
attempt("maps", lambda: open(f"/proc/{pid}/maps").read())
attempt("mem", lambda: open(f"/proc/{pid}/mem", "rb"))
attempt("pidfd_getfd", lambda: call(438, pidfd, 0, 0))
attempt("ptrace", lambda: libc.ptrace(ctypes.c_long(PTRACE_SEIZE), ctypes.c_long(pid), None, None) == 0)
print(json.dumps(taken))
