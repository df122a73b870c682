"""The way out to one reader: no event is written before the socket has taken the last one."""

import asyncio
import time

from aiohttp import web

from workshop_lib.pipe.fake_llm.book import Stream, now_s


class Outlet:
    """Writes one response, keeps the stream's counters, stops at the gate while it is closed.

    Raises ConnectionResetError when the reader has left.
    """

    def __init__(self, request: web.Request, stream: Stream, gate: asyncio.Event) -> None:
        self._request, self._stream, self._gate = request, stream, gate
        self._response = web.StreamResponse()

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Send status and headers."""
        self._response = web.StreamResponse(status=status, headers=headers)
        await self._gate.wait()
        # 0: the transport calls itself full as soon as the kernel leaves a byte behind
        self._transport().set_write_buffer_limits(high=0)
        self._stream.writer = await self._response.prepare(self._request)
        if self._stream.writer:
            self._stream.header_bytes = self._stream.writer.output_size
        await self._drain()

    async def put(self, data: bytes, tokens: int = 0) -> float:
        """Write `data`, which carries so many tokens; return the seconds it was held back."""
        begun_s = time.monotonic()
        await self._gate.wait()
        if self._transport().is_closing():
            raise ConnectionResetError("the reader has left")
        if tokens:
            self._stream.tokens += tokens
            self._stream.last_progress_s = now_s()
        await self._response.write(data)
        await self._drain()
        return time.monotonic() - begun_s

    async def finish(self) -> web.StreamResponse:
        """End the body properly, and wait until the socket has taken all of it."""
        await self._gate.wait()
        await self._response.write_eof()
        await self._drain()
        return self._response

    async def cut(self) -> web.StreamResponse:
        """Close the connection in the middle of the body; what was sent still arrives."""
        await self._gate.wait()
        self._transport().abort()
        return self._response

    async def silence(self) -> None:
        """Wait until the reader has had enough: aiohttp cancels this when it leaves."""
        await asyncio.get_running_loop().create_future()

    def _transport(self) -> asyncio.Transport:
        transport = self._request.transport
        if transport is None:
            raise ConnectionResetError("the reader has left")
        return transport

    async def _drain(self) -> None:
        # aiohttp's own write() looks at the socket only once in 64 KiB
        if writer := self._stream.writer:
            await writer.drain()
            self._stream.drained_bytes = writer.output_size
