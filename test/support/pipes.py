"""Runs a command between two pipes, copies its own stdin through it, and exits as it does: pipes.py HOW COMMAND..., where
HOW is

  ended    the output is read only after the command has exited
  reading  the output is read as it arrives
  limit    the same, as a user whose pipes already use all the space that the kernel allows

Prints on stderr, as JSON after the command's own output, how much each pipe held at first and in the end."""
import fcntl, json, os, subprocess, sys, threading

SET, GET = 1031, 1032 # F_SETPIPE_SZ, F_GETPIPE_SZ
most = 1 << 20
how, *command = sys.argv[1:]
data = sys.stdin.buffer.read()

if how == 'limit' and os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
stdin, feed = os.pipe()
drain, stdout = os.pipe()
size = lambda: [fcntl.fcntl(fd, GET) for fd in (stdin, drain)]
first = size()
others = []
while how == 'limit':
    others.append(os.pipe())
    try:
        fcntl.fcntl(others[-1][0], SET, most)
    except PermissionError:
        break

def write():
    with open(feed, 'wb', buffering=0) as pipe:
        for at in range(0, len(data), most):
            pipe.write(data[at:at + most])

writer = threading.Thread(target=write)
writer.start() # fills the pipe before anything reads it
process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
os.close(stdout)
if how == 'ended':
    process.wait(timeout=30)
with open(drain, 'rb', closefd=False) as pipe:
    while some := pipe.read1(1 << 16):
        sys.stdout.buffer.write(some)
writer.join()
print(json.dumps({'first': first, 'last': size()}), file=sys.stderr)
sys.exit(process.wait())
