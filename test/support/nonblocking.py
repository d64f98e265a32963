"""Runs a command whose stdin and stdout are non-blocking pipes, and copies its own stdin through it, in bursts with
pauses. Reads the output only once the command is stuck, so that both its reads and its writes get EAGAIN."""
import os, select, subprocess, sys, time

stdin, feed = os.pipe()
drain, stdout = os.pipe()
for fd in (stdin, feed, drain, stdout):
    os.set_blocking(fd, False)  # shared with the command: the flag belongs to the open file, not to the process
command = subprocess.Popen(sys.argv[1:], stdin=stdin, stdout=stdout)
os.close(stdin)
os.close(stdout)
data = sys.stdin.buffer.read()
time.sleep(0.3)  # by now it waits for input
sent = os.write(feed, data[:7])
time.sleep(0.1)
stuck = 0
while sent < len(data) and stuck < 20:
    try:
        sent += os.write(feed, data[sent:sent + 65536])
        stuck = 0
    except BlockingIOError:
        stuck += 1
        time.sleep(0.025)
print('stuck' if sent < len(data) else 'took all', file=sys.stderr)
while True:
    if sent == len(data) and feed is not None:
        os.close(feed)
        feed = None
    readable, writable, _ = select.select([drain], [] if feed is None else [feed], [])
    if writable:
        sent += os.write(feed, data[sent:sent + 65536])
    if readable:
        got = os.read(drain, 4096)
        if not got:
            break
        sys.stdout.buffer.write(got)
sys.stdout.buffer.flush()
sys.exit(command.wait())
