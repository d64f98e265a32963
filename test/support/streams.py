"""Runs a command between streams of two kinds, copies its own stdin through it, and exits as it does:
streams.py IN OUT END COMMAND..., where IN and OUT are file, pipe, socket, tty or null, and END is

  end    all of the input is sent, then its end
  kill   the command is killed once half of the input has come out, or has gone in if there is no output
  close  at that point the reader closes, once the command waits to write and takes no more input; then the input
         continues, since a pipe may hold all the remaining output

Prints on stderr, after the command's own output, which of the two were ever non-blocking, during or after the run: the
flag belongs to the open file, which the caller shares with the command."""
import fcntl, os, pty, signal, socket, subprocess, sys, tempfile, termios, time

kind_in, kind_out, end, *command = sys.argv[1:]
data = sys.stdin.buffer.read()

def pair(kind):
    """Returns our end and the command's, for a stream that it reads or writes."""
    if kind == 'pipe':
        return os.pipe()[::-1]
    if kind == 'socket':
        return tuple(one.detach() for one in socket.socketpair())
    ours, its = pty.openpty()
    flags = termios.tcgetattr(its)
    flags[:4] = 0, 0, flags[2], termios.ICANON # raw, except that Ctrl-D ends the input
    termios.tcsetattr(its, termios.TCSANOW, flags)
    return ours, its

feed = drain = None
if kind_in == 'file':
    file = tempfile.TemporaryFile()
    file.write(data)
    file.seek(0)
    stdin = file.fileno()
elif kind_in == 'null':
    stdin = os.open('/dev/null', os.O_RDONLY)
else:
    feed, stdin = pair(kind_in)
    os.set_blocking(feed, False)
if kind_out == 'file':
    result = tempfile.TemporaryFile()
    stdout = result.fileno()
elif kind_out == 'null':
    stdout = os.open('/dev/null', os.O_WRONLY)
elif kind_out == 'pipe':
    drain, stdout = os.pipe()
else:
    drain, stdout = pair(kind_out)
if drain is not None:
    os.set_blocking(drain, False)

child = subprocess.Popen(command, stdin=stdin, stdout=stdout)
if end == 'close':
    os.close(stdout) # only the command and the reader keep it open
shared = {'stdin': stdin} if end == 'close' else {'stdin': stdin, 'stdout': stdout}
found = set()

def look():
    for name, fd in shared.items():
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK:
            found.add(name)

piece = 4096 if end == 'close' else 65536 # small, so that a waiting write has written nothing yet
sent, came, stuck = 0, 0, 0
def leaves():
    return end == 'close' and came * 2 >= len(data)

def read():
    """Reads output. Returns whether there was any."""
    global came
    if leaves():
        return False
    try:
        got = os.read(drain, 1 << 16)
    except OSError: # no output yet, or a terminal that the command has closed
        return False
    came += len(got)
    sys.stdout.buffer.write(got)
    return len(got) > 0

while True:
    ended = child.poll() is not None # checked before the last read of its output
    look()
    busy = drain is not None and read()
    if ended and not busy:
        break
    if feed is not None and sent < len(data):
        try:
            sent += os.write(feed, data[sent:sent + piece])
            busy = True
            stuck = 0
        except BlockingIOError:
            stuck += 1
        except BrokenPipeError:
            sent = len(data)
    elif feed is not None and end == 'end':
        if kind_in == 'tty':
            data += b'\4' # Ctrl-D
            kind_in = 'tty, at its end'
        elif kind_in != 'tty, at its end':
            os.close(feed)
            feed = None
    if (came if drain is not None else sent) * 2 >= len(data):
        if end == 'kill' and child.poll() is None:
            child.send_signal(signal.SIGKILL)
        if drain is not None and leaves() and (feed is None or stuck > 20):
            os.close(drain)
            drain = None
    if end == 'close' and sent == len(data) and child.poll() is None:
        sent = 0
    if not busy:
        time.sleep(0.002)
look()
if kind_out == 'file':
    result.seek(0)
    sys.stdout.buffer.write(result.read())
sys.stdout.buffer.flush()
print('non-blocking:', ' '.join(sorted(found)) or 'none', file=sys.stderr)
sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)
