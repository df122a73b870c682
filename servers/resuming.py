"""Read an answer on where a connection broke: its ids, who may, and what is said when it cannot be.

An answer's name cannot be guessed, and it is the epoch of its events' ids: a server that has been
restarted knows no name from before, so it cannot take an old id for its own. Where the proxy sets
X-User, a name is good for that user alone.

The newest reader takes over. One that has lost its network often leaves a connection behind that
looks alive for minutes, and would be refused because of itself; the older one is told, so that two
pages do not take an answer from each other for ever.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from aiohttp import web

from servers.common import Context, refusal
from servers.deadlines import DEADLINES
from servers.heartbeats import COMMENT, HEARTBEAT_S
from servers.journal import TALLY, Tally
from servers.local_replay import LocalReplay
from servers.replay import Bounds, Replay, Unavailable
from servers.settings import count, seconds
from servers.shared_replay import SharedReplay
from servers.unavailable import event_of, told

ANSWER = web.RequestKey("answer", str)
REPLAY = web.AppKey("replay", Replay)
Send = Callable[[web.Request, str, int], Awaitable[web.StreamResponse]]
SLOW_S = 0.2
TURNS = 3  # of the event loop: it reads a request, then its end, then tells


def resuming(send: Send) -> Context:
    """Serve GET and DELETE of an answer beside POST; needs the deadlines."""

    async def resume(request: web.Request) -> web.StreamResponse:
        answer = request.match_info["answer"]
        return await send(request, answer, _number_after(request, answer))

    async def replay(app: web.Application) -> AsyncIterator[None]:
        url, bounds = os.environ.get("REDIS_URL"), _bounds(app)
        app[REPLAY] = SharedReplay(url, bounds) if url else LocalReplay(bounds)
        app.on_response_prepare.append(_name)
        app.router.add_get("/chat/{answer}", resume, allow_head=False)
        app.router.add_delete("/chat/{answer}", _stop)
        yield
        await app[REPLAY].close()

    return replay


async def _name(request: web.Request, response: web.StreamResponse) -> None:
    if ANSWER in request:
        response.headers["X-Answer-Id"] = request[ANSWER]


def _bounds(app: web.Application) -> Bounds:
    return Bounds(
        replay_bytes=count("REPLAY_BYTES", 262_144),
        resume_s=seconds("RESUME_S", 60),
        stall_s=app[DEADLINES].stall_s,
        answers=count("MAX_ANSWERS", 1000),
    )


def key_of(request: web.Request, answer: str) -> str:
    """Make the name under which an answer is kept: another user's request does not find it."""
    return f"{request.headers.get('X-User', '')}:{answer}"


def _number_after(request: web.Request, answer: str) -> int:
    """Return the number in Last-Event-ID; 0 for a reader that has had nothing yet."""
    last = request.headers.get("Last-Event-ID", f"{answer}.0")
    epoch, _, number = last.rpartition(".")
    if epoch == answer and number.isdecimal():
        return int(number)
    message = "Last-Event-ID is of another answer. Send the last one you got, or none."
    raise refusal(web.HTTPBadRequest, "bad_id", message)


@asynccontextmanager
async def reading(
    request: web.Request, answer: str, after: int
) -> AsyncGenerator[AsyncIterator[bytes]]:
    """Be the answer's reader for the block: its events after a number, and heartbeats."""
    replay, key = request.app[REPLAY], key_of(request, answer)
    request[ANSWER] = answer
    request[TALLY] = Tally(request)  # the reader's own: the answer's outlives it
    await _come_to_stay(request)  # or an older request, held up, would take over from a newer one
    with told():
        ticket = await replay.attach(key, after)
    try:
        async with aclosing(_frames(request, answer, ticket, after)) as frames:
            yield frames
    finally:
        with suppress(Unavailable):
            await replay.leave(key, ticket)


async def _come_to_stay(request: web.Request) -> None:
    """Cancel the handler of a request whose reader has left already, as it came.

    A request that was held up on its way, and the end of its connection, are read in one go.
    """
    for _ in range(TURNS):
        await asyncio.sleep(0)
    if request.transport is None or request.transport.is_closing():
        raise asyncio.CancelledError


async def _frames(
    request: web.Request, answer: str, ticket: int, number: int
) -> AsyncGenerator[bytes]:
    """Yield events with their ids: one that is asked for the next has passed on the last."""
    replay, key = request.app[REPLAY], key_of(request, answer)
    every_s = request.app[HEARTBEAT_S]
    due_s = time.monotonic() + every_s
    try:
        while True:
            events, are_last = await replay.take(key, ticket, number)
            taken_s = time.monotonic()
            for data in events:
                number += 1
                # in its own block: the openai SDK for Python fails on an id without data
                yield f"id: {answer}.{number}\n".encode() + data
                due_s = time.monotonic() + every_s
                if due_s - every_s > taken_s + SLOW_S:
                    break  # to say that it reads, if slowly: what nobody reads is forgotten
            else:
                if are_last:
                    return
            if events:
                continue  # to say that it has been given them: the LLM may be waiting for that
            if time.monotonic() >= due_s:
                request[TALLY].heartbeats += 1
                yield COMMENT
                due_s = time.monotonic() + every_s
            await replay.wait_for_more(key, number, due_s - time.monotonic())
    except Unavailable as why:
        yield event_of(why)


async def _stop(request: web.Request) -> web.Response:
    """Stop an answer for good: a connection that is lost does not say so."""
    with told():
        await request.app[REPLAY].stop(key_of(request, request.match_info["answer"]))
    return web.Response(status=204)
