"""Runs a command between streams of two kinds, copies its own stdin through it, and ends as it does:
streams.py IN OUT END COMMAND..., where IN and OUT are file, pipe, socket, tty or null, and END is

  end    all of the input comes, and then its end
  kill   the command is killed when half of the input has come out, or gone in where nothing comes out
  close  its reader goes away then, when nothing more goes in, as the command waits to write; and the input goes on, as a
         pipe may hold all that the rest becomes

On stderr it says behind the command's own words which of the two were ever non-blocking, also afterwards: the flag is of
the open file, which whoever has started the command shares with it."""
import fcntl, os, pty, signal, socket, subprocess, sys, tempfile, termios, time

kind_in, kind_out, end, *command = sys.argv[1:]
data = sys.stdin.buffer.read()

def pair(kind):
    """Our end and the command's; of what it reads from, or of what it writes to."""
    if kind == 'pipe':
        return os.pipe()[::-1]
    if kind == 'socket':
        return tuple(one.detach() for one in socket.socketpair())
    ours, its = pty.openpty()
    flags = termios.tcgetattr(its)
    flags[:4] = 0, 0, flags[2], termios.ICANON # as they come, but an end of input is one
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
    os.close(stdout) # else the reader would not be the last one
shared = {'stdin': stdin} if end == 'close' else {'stdin': stdin, 'stdout': stdout}
found = set()

def look():
    for name, fd in shared.items():
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK:
            found.add(name)

piece = 4096 if end == 'close' else 65536 # small: a write that waits has written nothing yet
sent, came, stuck = 0, 0, 0
def leaves():
    return end == 'close' and came * 2 >= len(data)

def read():
    """Whether something came out."""
    global came
    if leaves():
        return False
    try:
        got = os.read(drain, 1 << 16)
    except OSError: # nothing yet, or a terminal that the command has left
        return False
    came += len(got)
    sys.stdout.buffer.write(got)
    return len(got) > 0

while True:
    ended = child.poll() is not None # before the last look at what it has put out
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
