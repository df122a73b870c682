"""One stream for two: a reader who sees the answer, and somebody who keeps it.

Run it alone: python -m servers.field_cases.tee_hoards
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from aiohttp import web
from openai import AsyncStream

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, start_stream
from servers.field_cases.alone import run_one
from servers.presence import while_reader_stays


class Tee:
    """Two branches of a stream, as tee() makes them: whichever wants more first pulls for both."""

    def __init__(self, stream: AsyncStream[Chunk]) -> None:
        self._stream, self._pulling = stream, asyncio.Lock()
        self._waiting = deque[Chunk | None](), deque[Chunk | None]()

    async def branch(self, number: int) -> AsyncIterator[Chunk]:
        own = self._waiting[number]
        while True:
            async with self._pulling:
                if not own:
                    chunk = await anext(self._stream, None)
                    for waiting in self._waiting:  # nobody asks how much is waiting there
                        waiting.append(chunk)
            if (chunk := own.popleft()) is None:
                return
            yield chunk


async def keep(chunks: AsyncIterator[Chunk], kept: list[bytes]) -> None:
    async for chunk in chunks:
        kept.append(event_of(chunk))


async def broken(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last, kept, tee = None, list[bytes](), Tee(stream)
        keeping = asyncio.create_task(keep(tee.branch(1), kept))
        try:
            async for last in tee.branch(0):
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
        finally:
            keeping.cancel()
    return response


async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last, kept = None, list[bytes]()
        try:
            async for last in stream:
                kept.append(event_of(last))  # at the pace of the slower of the two
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
