"""A reader's connection: not one byte is read ahead of what was asked for."""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

PEEK_BYTES = 4096
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Gate:
    """Open while the crowd may read; from `shut()` on nothing is read until `open()`."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._opened.set()

    def shut(self) -> None:
        self._opened.clear()

    def open(self) -> None:
        self._opened.set()

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    async def passed(self) -> None:
        """Return at once while it is open."""
        await self._opened.wait()


class Clock:
    """Seconds that a reader had something to read, or chose not to."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._stopped_s: float | None = None

    def go(self) -> None:
        """Start it, or let it go on from where it stopped."""
        now_s = time.monotonic()
        if self._began_s is None:
            self._began_s = now_s
        elif self._stopped_s is not None:
            self._began_s += now_s - self._stopped_s
        self._stopped_s = None

    def stop(self) -> None:
        if self._began_s is not None and self._stopped_s is None:
            self._stopped_s = time.monotonic()

    @property
    def now_s(self) -> float:
        if self._began_s is None:
            return 0.0
        return (self._stopped_s or time.monotonic()) - self._began_s


class Line:
    """Receives from one non-blocking socket, counting every byte and keeping the gate."""

    def __init__(self, sock: socket.socket, gate: Gate) -> None:
        self._sock = sock
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._head_tail: bytes = b""
        self._expect: Literal["unknown", "more", "nothing"] = "unknown"
        self.wire_bytes = 0
        self.clock = Clock()

    async def receive(self, max_bytes: int) -> bytes:
        """Return 1 to `max_bytes` bytes, or b"" at the end."""
        data = await self._when_ready(lambda: self._sock.recv(max_bytes))
        self._expect = "more" if len(data) == max_bytes else "nothing"
        self.wire_bytes += len(data)
        return data

    async def receive_head(self) -> bytes:
        """Return bytes up to the end of the HTTP head at most: it peeks before it takes."""
        peeked = await self._when_ready(lambda: self._sock.recv(PEEK_BYTES, socket.MSG_PEEK))
        end = _HEAD_END.search(self._head_tail + peeked)
        wanted = end.end() - len(self._head_tail) if end else len(peeked)
        data = self._sock.recv(wanted) if peeked else b""
        self._head_tail = b"" if end else data[-3:]
        self._expect = "unknown"
        self.wire_bytes += len(data)
        return data

    async def connect(self, address: str, port: int) -> int:
        """Connect, and return the port on this side."""
        await self._loop.sock_connect(self._sock, (address, port))
        return int(self._sock.getsockname()[1])

    async def send(self, data: bytes) -> None:
        """Send a whole request."""
        await self._loop.sock_sendall(self._sock, data)

    def problem(self) -> OSError | None:
        """Ask the kernel whether the connection broke, without reading from it."""
        code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(code, "") if code else None

    def close(self, reset: bool = False) -> None:
        """Close the connection; with `reset` the server gets one even if all was read."""
        self.clock.stop()
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._sock.close()

    async def pause(self, delay_s: float) -> None:
        """Receive nothing for a while."""
        await asyncio.sleep(delay_s)
        self._expect = "unknown"

    async def _when_ready(self, receive: Callable[[], bytes]) -> bytes:
        if self._expect == "more":
            # A socket that always has something must not keep the other readers from theirs. It
            # yields before it receives: after that nothing may come between bytes and their count.
            await asyncio.sleep(0)
        elif self._expect == "nothing":
            await self._readable()
        while True:
            with suppress(BlockingIOError):
                if self._gate.is_open:
                    data = receive()
                    self.clock.go()
                    return data
            self.clock.stop()
            await (self._readable() if self._gate.is_open else self._gate.passed())

    async def _readable(self) -> None:
        self.clock.stop()
        ready = self._loop.create_future()
        descriptor = self._sock.fileno()  # a socket object would be looked up by a slower way
        self._loop.add_reader(descriptor, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(descriptor)
