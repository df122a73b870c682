"""Wrong answers to the two exercises of lesson 02, with what is said of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from openai import AsyncStream

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, start_stream
from workshop_lib.experiment import KERNELS_OWN, Buffers

Queue = asyncio.Queue[Chunk | None]
ReadLLM = Callable[[AsyncStream[Chunk], Queue], Awaitable[None]]


async def relay(request: web.Request, maxsize: int, read_llm: ReadLLM) -> web.StreamResponse:
    """What the wrong answers have in common with the starter."""
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    queue: Queue = asyncio.Queue(maxsize)
    reading = asyncio.ensure_future(read_llm(stream, queue))
    try:
        while chunk := await queue.get():
            last = chunk
            await response.write(event_of(last))
            await writer.drain()
        await reading
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    finally:
        reading.cancel()
    return response


async def put_nowait(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        try:
            async for chunk in stream:
                queue.put_nowait(chunk)
        finally:
            queue.put_nowait(None)

    return await relay(request, 50, read_llm)


async def drops_when_full(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        async for chunk in stream:
            with suppress(asyncio.QueueFull):
                queue.put_nowait(chunk)
        await queue.put(None)

    return await relay(request, 50, read_llm)


async def bound_not_reached(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        try:
            async for chunk in stream:
                await queue.put(chunk)
        finally:
            queue.put_nowait(None)

    return await relay(request, 100_000, read_llm)


async def no_sentinel(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        async for chunk in stream:
            await queue.put(chunk)

    return await relay(request, 50, read_llm)


async def waits_in_finally(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        try:
            async for chunk in stream:
                await queue.put(chunk)
        finally:
            await queue.put(None)

    return await relay(request, 50, read_llm)


async def error_skips_sentinel(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        async for chunk in stream:
            await queue.put(chunk)
        await queue.put(None)

    return await relay(request, 50, read_llm)


async def sleeps_until_there_is_room(request: web.Request) -> web.StreamResponse:
    async def read_llm(stream: AsyncStream[Chunk], queue: Queue) -> None:
        async for chunk in stream:
            while queue.full():
                time.sleep(0.01)  # noqa: ASYNC251
            queue.put_nowait(chunk)
        await queue.put(None)

    return await relay(request, 50, read_llm)


QUEUES = {
    put_nowait: "raised QueueFull, in line {line} of your code: `queue.put_nowait(None)`",
    drops_when_full: "A full queue must not lose any",
    bound_not_reached: "A bound that is not reached is none",
    no_sentinel: "got 600 of 600 tokens, and then nothing for 3 s",
    waits_in_finally: "still waits, in line {line} of your code: `await queue.put(None)`",
    error_skips_sentinel: "The LLM's connection was cut after 30 tokens",
    sleeps_until_there_is_room: "held the event loop for 4 s, in line {line} of your code",
}

BUFFERS = {
    KERNELS_OWN: "The server has not had to wait yet",
    Buffers(high_water=65536): "The server's own write buffer holds most",
    Buffers(reader_rcvbuf=1024, server_sndbuf=1024): "Both ends count",
    Buffers(llm_sndbuf=-1): "llm_sndbuf is -1. Give 0 or more bytes",
    Buffers(llm_sndbuf="4k"): "llm_sndbuf is '4k'. Give a whole number",  # type: ignore[arg-type]
    4096: "Give it Buffers(...)",
}
