"""A reader's connection: not one byte is read ahead of what was asked for."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, TypeVar

from workshop_lib.pipe.crowd.connection import Connection

Take = Callable[[bytes], int]
"""Gets the bytes that came, and returns how many more may be received at once; 0: none for now."""

Result = TypeVar("Result")


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


class Line(Connection):
    """Receives from one non-blocking socket, counting every byte and keeping the gate."""

    def __init__(self, sock: socket.socket, gate: Gate) -> None:
        super().__init__(sock)
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._expect: Literal["unknown", "more", "nothing"] = "unknown"

    async def receive(self, max_bytes: int, take: Take) -> None:
        """Give `take` 1 to `max_bytes` bytes, b"" at the end, for as long as it wants more."""
        while max_bytes:
            if self._expect == "nothing":
                max_bytes = await self._as_they_come(max_bytes, take)
            else:
                data = await self._when_ready(lambda most=max_bytes: self._sock.recv(most))
                max_bytes = take(self._counted(data, max_bytes))

    async def receive_head(self) -> bytes:
        """Return bytes up to the end of the HTTP head at most: it peeks before it takes."""
        peeked = await self._when_ready(self._peek)
        self._expect = "unknown"
        return self._take_head(peeked)

    async def connect(self, address: str, port: int) -> int:
        """Connect, and return the port on this side."""
        await self._loop.sock_connect(self._sock, (address, port))
        return int(self._sock.getsockname()[1])

    async def send(self, data: bytes) -> None:
        """Send a whole request."""
        await self._loop.sock_sendall(self._sock, data)

    async def pause(self, delay_s: float) -> None:
        """Receive nothing for a while."""
        await asyncio.sleep(delay_s)
        self._expect = "unknown"

    async def _when_ready(self, receive: Callable[[], bytes]) -> bytes:
        if self._expect == "more":
            # A socket that always has something must not keep the other readers from theirs. It
            # yields before it receives: after that nothing may come between bytes and their count.
            await asyncio.sleep(0)
        while True:
            with suppress(BlockingIOError):
                if self._gate.is_open:
                    data = receive()
                    self.clock.go()
                    return data
            self.clock.stop()
            if self._gate.is_open:
                await self._on_readable(lambda ready: ready.set_result(None))
            else:
                await self._gate.passed()

    async def _as_they_come(self, max_bytes: int, take: Take) -> int:
        """Receive within the event loop's own callback: no task has to wake up for an event."""
        self.clock.stop()
        await self._gate.passed()

        def receive(through: asyncio.Future[int]) -> None:
            nonlocal max_bytes
            if self._gate.is_open:
                data = self._sock.recv(max_bytes)
                self.clock.go()
                max_bytes = take(self._counted(data, max_bytes))
            if max_bytes and self._expect == "nothing" and self._gate.is_open:
                self.clock.stop()
            else:
                through.set_result(max_bytes)

        return await self._on_readable(receive)

    def _counted(self, data: bytes, max_bytes: int) -> bytes:
        self._expect = "more" if len(data) == max_bytes else "nothing"
        self.wire_bytes += len(data)
        return data

    async def _on_readable(self, act: Callable[[asyncio.Future[Result]], None]) -> Result:
        """Call `act` whenever the socket has something, until it sets the result or raises."""
        through: asyncio.Future[Result] = self._loop.create_future()
        descriptor = self._sock.fileno()  # a socket object would be looked up by a slower way

        def readable() -> None:
            if through.done():  # cancelled in this very turn of the loop: nothing more is taken
                return
            try:
                act(through)
            except BlockingIOError:
                return
            except Exception as problem:
                through.set_exception(problem)

        self._loop.add_reader(descriptor, readable)
        try:
            return await through
        finally:
            self._loop.remove_reader(descriptor)
