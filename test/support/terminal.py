"""Runs a command with a pseudo-terminal as its standard output, of COLUMNS x ROWS: terminal.py COLUMNS ROWS COMMAND...
The command inherits standard input; its terminal output is copied to standard output unchanged. Reads lines on fd 3:
`resize COLUMNS ROWS` changes the size, `type HEX` types these bytes, `keys` waits until the terminal delivers keys one by
one and then sets the title to `keys`, `hangup` closes the terminal.
Exits as the command does: with its exit code, or 128 + its signal; with 200 if the terminal modes are not restored, with
201 if processes of its session do not exit."""
import fcntl, os, pty, select, struct, sys, termios, time

def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
def others(session):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat') as stat:
                state, _, _, theirs = stat.read().rpartition(')')[2].split()[:4]
        except OSError: # it has exited
            continue
        if int(theirs) == session and state != 'Z':
            yield pid

ours, its = pty.openpty()
resize(its, columns, rows)
modes = termios.tcgetattr(ours)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(its, termios.TIOCSCTTY, 0)
    os.dup2(its, 1)
    for fd in (ours, its, 3):
        os.close(fd)
    os.execvp(command[0], command)
os.close(its)
waiting = [ours, 3]
closed = False
while ours in waiting:
    for fd in select.select(waiting, [], [])[0]:
        try:
            data = os.read(fd, 65536)
        except OSError: # the command has exited
            data = b''
        if not data:
            waiting.remove(fd)
        elif fd == ours:
            os.write(1, data)
        else:
            for line in data.decode().splitlines():
                what, *numbers = line.split()
                if what == 'resize':
                    resize(ours, *map(int, numbers))
                elif what == 'hangup':
                    waiting.remove(ours)
                    os.close(ours)
                    closed = True
                elif what == 'type':
                    os.write(ours, bytes.fromhex(numbers[0]))
                else:
                    while termios.tcgetattr(ours)[3] & termios.ICANON:
                        time.sleep(.01)
                    os.write(1, b'\x1b]0;keys\x07')
_, status = os.waitpid(child, 0)
for _ in range(500):
    if not any(others(child)) if closed else termios.tcgetattr(ours) == modes:
        break
    time.sleep(.01)
else:
    sys.exit(201 if closed else 200)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
