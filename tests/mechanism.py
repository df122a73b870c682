"""What the tests of the mechanism share: waiting, readers on raw sockets, looking for leftovers."""

import gc
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import psutil

from workshop_lib.pipe.sockets import connecting_socket

SAFETY_S = 60.0  # a net, never the judge
INTERNET = {socket.AF_INET, socket.AF_INET6}

Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], timeout_s: float = SAFETY_S) -> Seen:
    """Look until there is something to see."""
    deadline_s = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)
    return seen


def gone(pid: int) -> bool:
    """Tell whether a process has ended; a zombie has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def children(pid: int | None = None) -> set[int]:
    """Return what runs below a process, this one if none is named, but for its fork server."""
    below = psutil.Process(pid).children(recursive=True)
    return {one.pid for one in below if not gone(one.pid) and one.name() != "fork_server"}


class Held(NamedTuple):
    """A TCP socket of this process; `remote` is None where it has no other end."""

    fd: int
    local: tuple[Any, ...]
    remote: tuple[Any, ...] | None


def sockets() -> set[Held]:
    """Name the TCP sockets that this process holds.

    They are asked themselves: the kernel's table, with all sockets of the machine, takes it long.
    """
    held = set[Held]()
    for fd in map(int, os.listdir("/dev/fd")):
        with suppress(OSError):  # it has been closed meanwhile
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                with socket.socket(fileno=os.dup(fd)) as sock:
                    if sock.family in INTERNET and sock.type == socket.SOCK_STREAM:
                        held.add(Held(fd, sock.getsockname(), _other_end(sock)))
    return held


def connections(port: int) -> set[Held]:
    """Name the connections of a server in this process, those too that are closing."""
    return {one for one in sockets() if one.remote and one.local[1] == port}


def _other_end(sock: socket.socket) -> tuple[Any, ...] | None:
    try:
        return sock.getpeername()
    except OSError:
        return None


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert that a block leaves no process, thread, socket or environment variable behind."""
    gc.collect()
    before = children(), threads(), sockets(), dict(os.environ)
    yield
    until(lambda: children() <= before[0], 5)
    until(lambda: threads() <= before[1], 5)
    assert sockets() <= before[2]
    environment = {name: value for name, value in os.environ.items() if name[:7] != "PYTEST_"}
    assert environment == {name: v for name, v in before[3].items() if name[:7] != "PYTEST_"}


def call(port: int, body: str, rcvbuf: int = 0, path: str = "/chat") -> socket.socket:
    """Send a request from a raw socket, and read nothing yet."""
    sock = connecting_socket(rcvbuf)
    sock.settimeout(SAFETY_S)
    sock.connect(("127.0.0.1", port))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}"
    sock.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n{body}".encode())
    return sock


def ask(port: int, prompt: str = "reader 0", rcvbuf: int = 0) -> socket.socket:
    return call(port, json.dumps({"prompt": prompt}), rcvbuf)


def read_all(sock: socket.socket) -> bytes:
    """Read to the end, and close."""
    data = b""
    with sock:
        while piece := sock.recv(65536):
            data += piece
    return data
