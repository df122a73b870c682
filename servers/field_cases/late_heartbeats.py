"""Heartbeats that begin with the first token, and heartbeats that begin with the answer.

Run it alone: python -m servers.field_cases.late_heartbeats
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, needs
from servers.field_cases.alone import run_one
from servers.heartbeats import HEARTBEAT, HEARTBEAT_S, heartbeats
from servers.opening import open_stream
from servers.presence import while_reader_stays


async def with_heartbeats(
    chunks: AsyncIterator[Chunk], every_s: float
) -> AsyncIterator[Chunk | None]:
    """Yield the chunks, and None each time that none has come for so long."""
    coming: asyncio.Future[Chunk | None] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(chunks, None))
            await asyncio.wait({coming}, timeout=every_s)
            if not coming.done():
                yield None
            elif chunk := coming.result():
                coming = None
                yield chunk
            else:
                return
    finally:
        if coming:
            coming.cancel()


@needs(heartbeats)
async def broken(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await open_stream(request)
        last = None
        try:
            async for last in stream:
                await response.write(event_of(last))
                if event_of(last):  # the first token is here: from now on no silence is too long
                    break
            async for chunk in with_heartbeats(stream, request.app[HEARTBEAT_S]):
                await response.write(event_of(chunk) if chunk else HEARTBEAT)
                await writer.drain()
                last = chunk or last
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


@needs(heartbeats)
async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await open_stream(request)
        last = None
        try:
            async for chunk in with_heartbeats(stream, request.app[HEARTBEAT_S]):
                await response.write(event_of(chunk) if chunk else HEARTBEAT)
                await writer.drain()
                last = chunk or last
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
