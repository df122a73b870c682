"""A reader's connection under gevent, which Locust runs on."""

import errno
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import gevent
from gevent.socket import wait_read, wait_write

from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.connection import Connection
from workshop_lib.pipe.sockets import connecting_socket


class GivenUp(Exception):
    """Something has been waited for as long as the reader's patience lasts."""


class Line(Connection):
    """Receives when it is asked to; between two calls nothing is read, in no thread and no loop.

    Whatever waits longer than `patience_s` (seconds) raises GivenUp.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._more_is_there = False

    def connect(self, address: str, port: int, patience_s: float) -> None:
        """Connect; raises OSError where nobody listens."""
        code = self._sock.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            self._wait(wait_write, patience_s)
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def send(self, data: bytes, patience_s: float) -> None:
        """Send a whole request."""
        while data:
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                self._wait(wait_write, patience_s)

    def receive(self, max_bytes: int, patience_s: float) -> bytes:
        """Return 1 to `max_bytes` bytes, b"" at the end of the stream."""
        if self._more_is_there:  # who always has something must not keep the others from theirs
            gevent.sleep(0)
        data = self._when_ready(lambda: self._sock.recv(max_bytes), patience_s)
        self._more_is_there = len(data) == max_bytes
        self.wire_bytes += len(data)
        return data

    def receive_head(self, patience_s: float) -> bytes:
        """Return bytes up to the end of the HTTP head at most: it peeks before it takes."""
        return self._take_head(self._when_ready(self._peek, patience_s))

    def _when_ready(self, receive: Callable[[], bytes], patience_s: float) -> bytes:
        give_up_s = time.monotonic() + patience_s
        while True:
            with suppress(BlockingIOError):
                data = receive()
                self.clock.go()
                return data
            self.clock.stop()
            self._wait(wait_read, give_up_s - time.monotonic())

    def _wait(self, until: Callable[..., None], patience_s: float) -> None:
        timeout_s = None if patience_s == math.inf else max(0.0, patience_s)
        until(self._sock.fileno(), timeout_s, GivenUp())


def send_aside(call: Call, request: bytes, patience_s: float) -> None:
    """Send a second request, on a connection of its own, and wait until it is answered."""
    line = Line(connecting_socket())
    try:
        line.connect(call.address, call.port, patience_s)
        line.send(request, patience_s)
        line.receive_head(patience_s)
    finally:
        line.close()
