"""Wrong answers to the two exercises of lesson 03, with what is said of them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, start_stream

Queue = asyncio.Queue[Chunk | None]
Put = Callable[[Queue, Chunk | None, asyncio.Task[None]], Awaitable[None]]


async def leaves(request: web.Request) -> None:
    while request.transport and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def send(
    response: web.StreamResponse, writer: AbstractStreamWriter, chunk: Chunk | None
) -> None:
    if chunk:
        await response.write(event_of(chunk))
        await writer.drain()


async def closes_when_a_write_fails(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    try:
        async for last in stream:
            await send(response, writer, last)
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    finally:
        await stream.close()
    return response


async def gives_up_on_a_silent_llm(request: web.Request) -> web.StreamResponse:
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            while chunk := await asyncio.wait_for(anext(stream, None), 0.5):
                last = chunk
                await send(response, writer, last)
            await response.write(ending(last))
        except (*LLM_ERRORS, TimeoutError):
            await response.write(failure())
    return response


async def races_the_first_token_only(request: web.Request) -> web.StreamResponse:
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        leaving = asyncio.ensure_future(leaves(request))
        last: Chunk | None = None
        for _ in range(2):  # the role comes first, in a chunk without text
            coming = asyncio.ensure_future(anext(stream, None))
            await asyncio.wait([coming, leaving], return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                coming.cancel()
                return response
            last = coming.result()
            await send(response, writer, last)
        leaving.cancel()
        try:
            async for last in stream:
                await send(response, writer, last)
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


async def forgets_the_stream(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    leaving = asyncio.ensure_future(leaves(request))
    last = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(stream, None))
            await asyncio.wait([coming, leaving], return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                return response
            if not (chunk := coming.result()):
                break
            last = chunk
            await send(response, writer, last)
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    finally:
        leaving.cancel()
    return response


RACES = {
    closes_when_a_write_fails: (
        "left before the LLM's first token; the LLM still answers 3 of them. "
        "Your handler still waits"
    ),
    gives_up_on_a_silent_llm: "A slow LLM is no reason to end an answer",
    races_the_first_token_only: "left while the LLM was silent in mid-answer; the LLM still",
    forgets_the_stream: "Your handler has ended, and left its stream open",
}


async def relay(
    request: web.Request, put: Put, maxsize: int = 20, survives: bool = False
) -> web.StreamResponse:
    """What the wrong answers have in common with the starter."""
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        queue: Queue = asyncio.Queue(maxsize)

        async def write_all() -> None:
            while chunk := await queue.get():
                with suppress(*([ConnectionError] if survives else [])):
                    await send(response, writer, chunk)

        writing = asyncio.create_task(write_all())
        last = None
        try:
            async for last in stream:
                await put(queue, last, writing)
            await put(queue, None, writing)
            await writing
            await response.write(ending(last))
        except (*LLM_ERRORS, TimeoutError):
            await queue.put(None)
            await writing
            await response.write(failure())
        finally:
            writing.cancel()
    return response


async def put_and_wait(queue: Queue, chunk: Chunk | None, _: asyncio.Task[None]) -> None:
    await queue.put(chunk)


async def looks_before_it_waits(request: web.Request) -> web.StreamResponse:
    async def put(queue: Queue, chunk: Chunk | None, writing: asyncio.Task[None]) -> None:
        if writing.done():
            await writing
        await queue.put(chunk)

    return await relay(request, put)


async def gives_up_on_room(request: web.Request) -> web.StreamResponse:
    async def put(queue: Queue, chunk: Chunk | None, _: asyncio.Task[None]) -> None:
        await asyncio.wait_for(queue.put(chunk), 0.3)

    return await relay(request, put)


async def takes_the_bound_away(request: web.Request) -> web.StreamResponse:
    return await relay(request, put_and_wait, maxsize=0)


async def does_not_wait_for_room(request: web.Request) -> web.StreamResponse:
    async def put(queue: Queue, chunk: Chunk | None, _: asyncio.Task[None]) -> None:
        queue.put_nowait(chunk)

    return await relay(request, put)


async def writes_on_for_nobody(request: web.Request) -> web.StreamResponse:
    return await relay(request, put_and_wait, survives=True)


ROOMS = {
    looks_before_it_waits: "left while the writer waited for room; the LLM still answers 3",
    gives_up_on_room: "Who pauses has not left",
    takes_the_bound_away: "Keep the queue's bound",
    does_not_wait_for_room: "raised QueueFull",
    writes_on_for_nobody: "Your handler takes tokens for nobody",
}
