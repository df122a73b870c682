"""What a server's runner sees of its connections to readers, each by the reader's port."""

import asyncio
from collections.abc import Iterable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter


class Transports:
    """Sets the high-water mark of every connection, and counts what is given to it.

    `high_water_bytes` is the mark above which `drain()` waits (None: asyncio's 64 KiB).
    """

    def __init__(self, high_water_bytes: int | None) -> None:
        self._high_water_bytes = high_water_bytes
        self._writers: dict[int, AbstractStreamWriter] = {}
        self._given_bytes: dict[int, int] = {}

    async def meet(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take note of an answer that begins; for `on_response_prepare`."""
        if request.transport is None:
            return
        if self._high_water_bytes is not None:
            request.transport.set_write_buffer_limits(high=self._high_water_bytes)
        if peer := request.transport.get_extra_info("peername"):
            self._writers[peer[1]] = request.writer

    def given_bytes(self) -> dict[int, int]:
        """Return the bytes of the newest answer on each connection, its head included.

        Of a WebSocket it is the head alone: what follows goes by aiohttp's writer of messages.
        """
        for port, writer in list(self._writers.items()):
            self._given_bytes[port] = writer.output_size
            # of a connection that has gone the number is kept, and nothing that it holds on to
            if getattr(writer, "transport", None) is None and self._writers.get(port) is writer:
                del self._writers[port]
        return dict(self._given_bytes)

    def write_buffers(self, connections: Iterable[web.RequestHandler]) -> dict[int, int]:
        """Return the bytes in the write buffer of each open connection."""
        transports = [connection.transport for connection in list(connections)]
        return {
            transport.get_extra_info("peername")[1]: _buffer_size(transport)
            for transport in transports
            if transport is not None and transport.get_extra_info("peername")
        }


def _buffer_size(transport: asyncio.Transport) -> int:
    while True:
        try:
            return transport.get_write_buffer_size()
        except RuntimeError:  # the server's thread changed the buffer while we summed it
            continue
