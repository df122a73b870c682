"""Three servers with one thing broken each: lesson 08 shows their symptoms. Read them after it.

Run the first one alone: python -m servers.mysteries
"""

import asyncio
from contextlib import suppress

from aiohttp import web

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, run, start_stream
from servers.presence import while_reader_stays


async def compressed(request: web.Request) -> web.StreamResponse:
    """Stream as step 3 does, through a compressor that nobody tells to hand on what it has."""
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_compression()  # as a middleware would, for whoever accepts it
        writer = await response.prepare(request)
        assert writer is not None
        last = None
        try:
            async for last in stream:
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


async def reads_on(request: web.Request) -> web.StreamResponse:
    """Stream as step 2 does, and take no notice of a write that fails: its reader has only left."""
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    try:
        async for last in stream:
            with suppress(ConnectionError):
                await response.write(event_of(last))
                await writer.drain()
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    return response


async def waits_for_room(request: web.Request) -> web.StreamResponse:
    """Stream through a bounded queue, and wait for its room whoever is there to make any."""
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        queue: asyncio.Queue[Chunk | None] = asyncio.Queue(20)

        async def write_all() -> None:
            while chunk := await queue.get():
                await response.write(event_of(chunk))
                await writer.drain()

        writing = asyncio.create_task(write_all())
        last = None
        try:
            async for last in stream:
                if writing.done():  # its reader has left: it raises what the writer has met
                    await writing
                await queue.put(last)
            await queue.put(None)
            await writing
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
        finally:
            writing.cancel()
    return response


if __name__ == "__main__":
    run(compressed)
