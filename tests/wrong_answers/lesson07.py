"""Wrong answers to the three exercises of lesson 07, with what is said of them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, start_stream
from servers.heartbeats import HEARTBEAT
from servers.presence import while_reader_stays

EVERY_S = 0.2
STREAM = {"Content-Type": "text/event-stream"}


class Headers(dict[str, str]):
    """A dictionary that can be a key; it is compared as any other is."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def _with(**more: str) -> Headers:
    return Headers(STREAM | {name.replace("_", "-"): value for name, value in more.items()})


HEADERS: dict[Any, str] = {
    _with(Cache_Control="no-cache, no-transform"): "Cache-Control speaks to caches, and these are",
    _with(Connection="keep-alive"): "Connection is a word between two neighbours",
    _with(X_Accel_Buffering="yes"): "X-Accel-Buffering: yes asks for what you want to be rid of",
    _with(Transfer_Encoding="chunked"): "Transfer-Encoding says where the answer ends on one",
    _with(X_Accel_Buffering="no"): "Behind a compressor tokens come in lumps",
    Headers({"X-Accel-Buffering": "no"}): "Put the Content-Type of the starter back",
    "X-Accel-Buffering: no": "Give a dictionary of names and values, as text",
}


async def starts_after_the_first_token(request: web.Request) -> web.StreamResponse:
    return await beating(request, HEARTBEAT, from_token=0)


async def sends_an_empty_event(request: web.Request) -> web.StreamResponse:
    return await beating(request, b"data:\n\n")


async def forgets_the_blank_line(request: web.Request) -> web.StreamResponse:
    return await beating(request, b": ping\n")


async def beating(
    request: web.Request, heartbeat: bytes, from_token: int = -1
) -> web.StreamResponse:
    """Beat as the solution does, but from a later token on, or with other bytes."""
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last, tokens = None, -1
        coming = asyncio.ensure_future(anext(stream, None))
        try:
            while True:
                await asyncio.wait([coming], timeout=EVERY_S)
                if not coming.done():
                    if tokens >= from_token:
                        await response.write(heartbeat)
                elif chunk := coming.result():
                    last = chunk
                    tokens += bool(event_of(last))
                    await response.write(event_of(last))
                    coming = asyncio.ensure_future(anext(stream, None))
                else:
                    break
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
        finally:
            coming.cancel()
    return response


async def writes_from_a_second_task(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)

        async def beat() -> None:
            while True:
                await asyncio.sleep(EVERY_S)
                await response.write(HEARTBEAT)

        last, beating = None, asyncio.create_task(beat())
        try:
            async for last in stream:
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
    return response


async def cancels_the_wait(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        while True:
            try:
                chunk = await asyncio.wait_for(anext(stream, None), EVERY_S)
            except TimeoutError:
                await response.write(HEARTBEAT)
                continue
            if not chunk:
                break
            last = chunk
            await response.write(event_of(last))
            await writer.drain()
        await response.write(ending(last))
    return response


HEARTBEATS: dict[Callable[..., Any], str] = {
    starts_after_the_first_token: "0 heartbeats came in the 1.5 s before the first token",
    sends_an_empty_event: "An event with the data '' came between the tokens",
    forgets_the_blank_line: "comments share a block with",
    writes_from_a_second_task: "2 tasks wrote to this one answer",
    cancels_the_wait: "tokens came, and then",
}


class Settings(dict[str, Any]):
    """Settings that can be a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def _set(budget: Any, streams: Any) -> Settings:
    return Settings({"BUDGET_TOKENS": budget, "MAX_STREAMS_PER_USER": streams})


BUDGETS: dict[Any, str] = {
    _set(100, 2): "A budget must let through what a polite user asks for",
    _set(100_000, 1): "fewer streams at once only make it wait",
    _set(280, 3): "and may get 343",
    _set("a lot", 2): "BUDGET_TOKENS is 'a lot'. Set it to a whole number",
    Settings({"BUDGET_TOKENS": 200}): "Give a dictionary of BUDGET_TOKENS and MAX_STREAMS_PER_USER",
}
