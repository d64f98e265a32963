"""
Makes connection attempts of all kinds, at a steady rate, and counts them: load.py serve | fork | connect

`serve` is the server side, `fork` makes each attempt in its own process, `connect` makes the rest. Runs until a line arrives on
stdin. Then prints one JSON object: how many attempts ended in which way ("8080 established"), how many connections were closed
in which way ("8080 local"), the payload of these ("8080 sent"), and how many look-ups were answered or not ("dns ok").
"""
import collections, errno, heapq, json, os, random, select, selectors, socket, struct, sys, threading, time

stopping = threading.Event()
lock = threading.Lock()
counts = collections.Counter()
RESET = struct.pack('ii', 1, 0)
results = {0: 'established', errno.ECONNREFUSED: 'refused', errno.ENETUNREACH: 'unreachable', errno.ETIMEDOUT: 'timeout'}


def counted(port, result, how=None, sent=0, received=0):
    with lock:
        counts[f'{port} {result}'] += 1
        if how:
            counts[f'{port} {how}'] += 1
            counts[f'{port} sent'] += sent
            counts[f'{port} received'] += received


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    s.close()


def connect(host, port, blocking=True, mapped=False, denied=None, syns=None):
    """Returns the socket and how the attempt ended."""
    family = socket.AF_INET6 if ':' in host or mapped else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    if syns:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, syns)
    s.setblocking(blocking)
    error = s.connect_ex((f'::ffff:{host}' if mapped else host, port))
    if error == errno.EINPROGRESS:
        poller = select.poll()
        poller.register(s, select.POLLOUT)
        poller.poll()
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    s.setblocking(True)
    return s, (denied if denied and error else results.get(error, errno.errorcode.get(error)))


def fails(host, port, **how):
    def once():
        s, result = connect(host(), port, **how)
        s.close()
        counted(port, result)
    return once


def lives(host, port, **how):
    """A connection that carries a few bytes and is closed by this side."""
    def once():
        s, result = connect(host(), port, **how)
        if result != 'established':
            s.close()
            return counted(port, result)
        s.sendall(b'some bytes')
        received = len(s.recv(100))
        s.close()
        counted(port, result, 'local', 10, received)
    return once


def reset_by_us():
    s, result = connect(near(), 8086)
    reset(s)
    counted(8086, result, 'reset_sent')


def ended_by_server(port, how):
    def once():
        s, result = connect(near(), port)
        s.sendall(b'bye')
        try:
            s.recv(100)
        except ConnectionResetError:
            pass
        s.close()
        counted(port, result, how, 3)
    return once


def gives_up(port, seconds):
    def once():
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((SILENT, port))
        time.sleep(seconds)
        s.close()
        counted(port, 'aborted')
    return once


def named(numbers=iter(range(1 << 60)), numbers_lock=threading.Lock()):
    """Looks up a name that was never asked for, and connects to a port that the name determines."""
    with numbers_lock:
        number = next(numbers)
    port = 20000 + number % 1000
    try:
        address = socket.getaddrinfo(f'q{number}.many.example.test', port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    except socket.gaierror:
        with lock:
            counts['dns failed'] += 1
        return
    with lock:
        counts['dns ok'] += 1
    s, result = connect(address, port)
    s.close()
    counted(20000, result)


def stays_open():
    """Opens two connections a second, holds each for up to two minutes, and sends a byte on each from time to time."""
    held = []
    while True:
        stop = stopping.is_set()
        for _ in range(0 if stop else 2):
            s, result = connect(near(), 8084)
            if result == 'established':
                heapq.heappush(held, (time.monotonic() + random.uniform(5, 120), id(s), s, [0]))
            else:
                counted(8084, result)
        while held and (stop or held[0][0] < time.monotonic()):
            _, _, s, size = heapq.heappop(held)
            s.close()
            counted(8084, 'established', 'local', size[0], size[0])
        for _, _, s, size in random.sample(held, min(20, len(held))):
            s.sendall(b'x')
            s.recv(1)
            size[0] += 1
        if stop:
            return
        time.sleep(1)


def near():
    return f'127.1.{random.randrange(256)}.{random.randrange(1, 255)}'


SILENT, NOBODY, NEIGHBOUR = '10.99.0.3', '10.99.0.4', '10.99.0.2'
# attempts a second, threads, what each does
kinds = [
    (60, 2, lives(near, 8080)),
    (30, 1, lives(lambda: '::1', 8080)),
    (40, 2, lives(near, 8080, blocking=False)),
    (10, 1, lives(near, 8080, mapped=True)),
    (15, 1, ended_by_server(8081, 'remote')),
    (10, 1, ended_by_server(8082, 'reset_received')),
    (10, 1, reset_by_us),
    (50, 1, fails(near, 9001)),
    (30, 1, fails(lambda: '::1', 9002, blocking=False)),
    (20, 4, named),
    (20, 1, fails(lambda: '10.200.0.1', 7001)),
    (10, 12, fails(lambda: NEIGHBOUR, 7002, denied='denied')),  # each waits for the SYN to be sent again
    (10, 1, fails(lambda: NEIGHBOUR, 7003)),
    (1, 4, fails(lambda: NOBODY, 7004, denied='unreachable')),
    (3, 12, fails(lambda: SILENT, 7005, syns=1)),
    (3, 6, gives_up(7006, 1.3)),
    (5, 1, gives_up(7007, 0)),
]


def paced(rate, once):
    due = time.monotonic() + random.random() / rate
    while not stopping.is_set():
        wait = due - time.monotonic()
        if wait > 0 and stopping.wait(wait):
            return
        due = max(due + 1 / rate, time.monotonic() - 1)  # catches up on a second at most
        once()


def load():
    threads = [threading.Thread(target=paced, args=(rate / n, once)) for rate, n, once in kinds for _ in range(n)]
    threads.append(threading.Thread(target=stays_open))
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def fork():
    def once():
        child = os.fork()
        if child == 0:
            s, _ = connect(near(), 8083)
            os._exit(0)
        os.waitpid(child, 0)
        counted(8083, 'established', 'local')
    paced(3, once)


def serve():
    """8081 closes after the first bytes, 8082 resets, the other ports send them back until the client closes."""
    poller = selectors.DefaultSelector()
    for port in (8080, 8081, 8082, 8083, 8084, 8086):
        s = socket.create_server(('::', port), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True)
        poller.register(s, selectors.EVENT_READ, port)
    while not stopping.is_set():
        for key, _ in poller.select(0.5):
            if isinstance(key.data, int):
                s, _ = key.fileobj.accept()
                poller.register(s, selectors.EVENT_READ, str(key.data))
                continue
            try:
                data = key.fileobj.recv(100)
                if data and key.data not in ('8081', '8082'):
                    key.fileobj.sendall(data)
                    continue
            except OSError:
                pass
            poller.unregister(key.fileobj)
            (reset if key.data == '8082' else socket.socket.close)(key.fileobj)


def wait_for_end():
    sys.stdin.readline()
    stopping.set()


threading.Thread(target=wait_for_end, daemon=True).start()
print('started', flush=True)
{'serve': serve, 'fork': fork, 'connect': load}[sys.argv[1]]()
print(json.dumps(counts), flush=True)
