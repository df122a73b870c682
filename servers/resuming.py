"""Read an answer on where a connection broke: its ids, who may, and what is said when it cannot be.

An answer's name cannot be guessed, and it is the epoch of its events' ids: a server that has been
restarted knows no name from before, so it cannot take an old id for its own. Where the proxy sets
X-User, a name is good for that user alone.

The newest reader takes over. One that has lost its network often leaves a connection behind that
looks alive for minutes, and would be refused because of itself; the older one is told, so that two
pages do not take an answer from each other for ever.
"""

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress

from aiohttp import web

from servers.common import Context, event, refusal
from servers.deadlines import DEADLINES
from servers.heartbeats import COMMENT, HEARTBEAT_S
from servers.journal import TALLY, Tally
from servers.local_replay import LocalReplay
from servers.presence import come_to_stay
from servers.replay import Bounds, Replay, Unavailable
from servers.settings import count, seconds
from servers.shared_replay import SharedReplay

ANSWER_ID = "X-Answer-Id"
REPLAY = web.AppKey("replay", Replay)
Send = Callable[[web.Request, str, int], Awaitable[web.StreamResponse]]
TRY_AGAIN_S = 5  # when another answer will be forgotten cannot be known

# why an answer cannot be had, as a status before the start and as an error event after it
REASONS: dict[str, tuple[type[web.HTTPError], str]] = {
    "gone": (web.HTTPNotFound, "This answer is not kept, or not any more. Ask again."),
    "stopped": (web.HTTPGone, "This answer has been stopped. Ask again."),
    "missed": (web.HTTPGone, "What comes next is not kept any more. Ask again."),
    "taken_over": (web.HTTPConflict, "This answer is read elsewhere now. Go on there."),
    "full": (web.HTTPServiceUnavailable, "Too many answers are being kept. Try again later."),
    "away": (web.HTTPServiceUnavailable, "The memory of answers is away. Ask again later."),
    "lost": (web.HTTPGone, "The server that produced this answer has gone. Ask again."),
}


def resuming(send: Send) -> Context:
    """Serve GET and DELETE of an answer beside POST; needs the deadlines."""

    async def resume(request: web.Request) -> web.StreamResponse:
        answer = request.match_info["answer"]
        return await send(request, answer, _number_after(request, answer))

    async def replay(app: web.Application) -> AsyncIterator[None]:
        url, bounds = os.environ.get("REDIS_URL"), _bounds(app)
        app[REPLAY] = SharedReplay(url, bounds) if url else LocalReplay(bounds)
        app.router.add_get("/chat/{answer}", resume, allow_head=False)
        app.router.add_delete("/chat/{answer}", _stop)
        yield
        await app[REPLAY].close()

    return replay


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


@contextmanager
def told() -> Iterator[None]:
    """Turn what is not available into a status."""
    try:
        yield
    except Unavailable as why:
        if str(why) == "over":  # what tells an EventSource to stop coming back (HTML, 9.2.3)
            raise web.HTTPNoContent from None
        status, message = REASONS[str(why)]
        again = {"Retry-After": str(TRY_AGAIN_S)} if status is web.HTTPServiceUnavailable else {}
        raise refusal(status, str(why), message, headers=again) from None


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
    request[TALLY] = Tally(request)  # the reader's own: the answer's outlives it
    await come_to_stay(request)  # or an older request, held up, would take over from a newer one
    with told():
        ticket = await replay.attach(key, after)
    try:
        async with aclosing(_frames(request, answer, ticket, after)) as frames:
            yield frames
    finally:
        with suppress(Unavailable):
            await replay.leave(key, ticket)


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
            for data in events:
                number += 1
                # in its own block: the openai SDK for Python fails on an id without data
                yield f"id: {answer}.{number}\n".encode() + data
                due_s = time.monotonic() + every_s
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
        yield event({"error": {"code": str(why), "message": REASONS[str(why)][1]}})


async def _stop(request: web.Request) -> web.Response:
    """Stop an answer for good: a connection that is lost does not say so."""
    with told():
        await request.app[REPLAY].stop(key_of(request, request.match_info["answer"]))
    return web.Response(status=204)
