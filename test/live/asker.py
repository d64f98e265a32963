# Asks 127.0.0.1 for addresses in ways that the C library does not. asker.py WAY NAME [SERVER…]
import os, socket, struct, sys, threading, time

way, name, servers = sys.argv[1], sys.argv[2], sys.argv[3:] or ['127.0.0.1']


def query(id, qtype=1, of=name):
    labels = b''.join(bytes([len(part)]) + part.encode() for part in of.split('.'))
    return struct.pack('>HHHHHH', id, 0x100, 1, 0, 0, 0) + labels + b'\0' + struct.pack('>HH', qtype, 1)


def udp(connect=True):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    if connect:
        s.connect((servers[0], 53))
    return s


def in_child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.waitpid(pid, 0)
    print(pid)


def send_to(s, id=1):
    s.sendto(query(id), (servers[0], 53))
    s.recv(4096)


if way == 'sendto':
    send_to(udp(False))
elif way == 'thread':  # the C library, in a thread other than the first
    def look_up():
        print(threading.get_native_id())
        try:
            socket.getaddrinfo(name, 80, socket.AF_INET)
        except OSError:
            pass
    threading.Thread(target=look_up).start()
elif way == 'handed-sendto':  # a child uses the socket that its parent used before
    s = udp(False)
    send_to(s)
    in_child(lambda: send_to(s, 2))
elif way == 'handed-connected':
    s = udp()

    def child():
        s.send(query(1))
        s.recv(4096)
    in_child(child)
elif way == 'before':  # asks again after a line on stdin
    s = udp()
    s.send(query(1))
    s.recv(4096)
    print('ready', flush=True)
    sys.stdin.readline()
    s.send(query(2))
    s.recv(4096)
elif way == 'parallel':  # as musl does: both families and all servers at once, on one socket per name
    for suffix in ['.ns.svc.cluster.local', '.svc.cluster.local', '.cluster.local', '']:
        s = udp(False)
        for server in servers:
            s.sendto(query(1, 1, name + suffix), (server, 53))
            s.sendto(query(2, 28, name + suffix), (server, 53))
        answers = {}
        while len(answers) < 2:
            answer = s.recv(4096)
            if answer[3] & 15 in (0, 3):
                answers[answer[:2]] = answer
        if any(answer[7] for answer in answers.values()):
            break
elif way == 'late':  # the same, delayed: it has an answer before it asks the next server
    s = udp(False)
    for server in servers:
        s.sendto(query(1), (server, 53))
        s.recv(4096)
elif way == 'children':  # sixteen processes with nearby IDs, alternating between the families
    for i in range(16):
        def child():
            s = udp()
            s.send(query(1, 28 if i % 2 else 1))
            s.recv(4096)
        in_child(child)
elif way == 'again':  # as Go does: retries with another socket and ID
    for id in (1, 2):
        s = udp()
        s.settimeout(1.2)
        s.send(query(id))
        try:
            s.recv(4096)
            break
        except OSError:
            s.close()
elif way == 'next':  # as Go does after an error: another server with another id
    for i, server in enumerate(servers):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(20)
        s.connect((server, 53))
        s.send(query(10 + i))
        if not s.recv(4096)[3] & 15:
            break
elif way == 'names':  # one name after the other, in one process
    for i, of in enumerate([name] + sys.argv[3:]):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(('127.0.0.1', 53))
        s.settimeout(20)
        s.send(query(20 + i, 1, of))
        s.recv(4096)
