# Looks up names and connects to them, one after the other: names.py same|other PORT NAME…
# `same` looks up in the thread that connects, `other` in a separate thread, as curl and node do. The attempt for name
# number i goes to PORT + i, and to address number i of the name.
import socket, sys, threading

how, port, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


def look_up(name, into):
    into.extend(sorted(info[4][0] for info in socket.getaddrinfo(name, 0, socket.AF_INET, socket.SOCK_STREAM)))


for i, name in enumerate(names):
    addresses = []
    if how == "same":
        look_up(name, addresses)
    else:
        thread = threading.Thread(target=look_up, args=(name, addresses))
        thread.start()
        thread.join()
    with socket.socket() as one:
        one.connect_ex((addresses[i % len(addresses)], port + i))
