"""A `finally` that yields: whoever closes the generator ends it there, before it has tidied up.

Run it alone: python -m servers.field_cases.finally_cut_short
"""

import logging
from collections.abc import AsyncGenerator, Callable

from aiohttp import web
from openai import AsyncStream

from servers.common import (
    LLM_ERRORS,
    Chunk,
    ask_llm,
    ending,
    event,
    event_of,
    failure,
    start_stream,
)
from servers.field_cases.alone import run_one

Events = AsyncGenerator[bytes]
LOG = logging.getLogger(__name__)
EventsOf = Callable[[AsyncStream[Chunk]], Events]
RUNNING = set[AsyncStream[Chunk]]()  # for the page that shows the operators what is under way


async def broken_events(stream: AsyncStream[Chunk]) -> Events:
    last = None
    RUNNING.add(stream)
    try:
        yield event({"token": "<answer>"})
        async for last in stream:
            yield event_of(last)
    finally:
        yield event({"token": "</answer>"})
        await stream.close()
        RUNNING.remove(stream)
    yield ending(last)


async def repaired_events(stream: AsyncStream[Chunk]) -> Events:
    last = None
    RUNNING.add(stream)
    try:
        yield event({"token": "<answer>"})
        async for last in stream:
            yield event_of(last)
    finally:
        await stream.close()
        RUNNING.remove(stream)
    yield event({"token": "</answer>"})
    yield ending(last)


async def broken(request: web.Request) -> web.StreamResponse:
    return await _send(request, broken_events)


async def repaired(request: web.Request) -> web.StreamResponse:
    return await _send(request, repaired_events)


async def _send(request: web.Request, events_of: EventsOf) -> web.StreamResponse:
    events = events_of(await ask_llm(request))
    response, writer = await start_stream(request)
    try:
        async for one in events:
            await response.write(one)  # raises when the reader has left
            await writer.drain()
    except LLM_ERRORS:
        await response.write(failure())
    finally:
        await _close(events)
    return response


async def _close(events: Events) -> None:
    try:
        await events.aclose()
    except RuntimeError as problem:
        LOG.info("An answer was not closed: %s", problem)  # a line among many, as it often is


if __name__ == "__main__":
    run_one(broken, repaired)
