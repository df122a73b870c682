"""Become a server that finds its socket bound: python -m tests.bench.launch SNDBUF COMMAND...

The socket has SNDBUF bytes to send from (0: the kernel's choice), which its connections inherit.
No framework has a setting for that, and Node has no call. It does not listen yet, so that whoever
waits for the server waits until it does.
"""

import os
import socket
import sys


def main() -> None:
    sndbuf, command = int(sys.argv[1]), sys.argv[2:]
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sndbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
    sock.bind(("127.0.0.1", int(os.environ["PORT"])))
    sock.set_inheritable(True)
    os.environ["LISTEN_FD"] = str(sock.detach())
    try:
        os.execvp(command[0], command)  # the process keeps its number: it is the server's
    except OSError as problem:
        sys.exit(f"{command[0]}: {problem.strerror}")


if __name__ == "__main__":
    main()
