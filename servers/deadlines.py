"""What may not take for ever: a reader that takes nothing, an LLM, an answer, and a shutdown.

A reader counts as stalled when the kernel has no room for it. Before that lie megabytes of socket
buffers, mostly the reader's own: with events of 40 bytes an answer ends before they are full, and
such a reader costs nothing here but what the LLM produces for it. STREAM_S ends that.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from openai import AsyncStream

from servers.closing import close
from servers.common import Chunk, ask_llm, event, refusal
from servers.journal import TALLY
from servers.presence import give_up
from servers.settings import seconds


@dataclass
class Deadlines:
    """All in seconds; `running` are the limits that hold now, for a shutdown to bring forward."""

    stall_s: float
    start_s: float
    stream_s: float
    grace_s: float
    closes_at_s: float = math.inf
    running: set[asyncio.Timeout] = field(default_factory=set[asyncio.Timeout])

    @asynccontextmanager
    async def within(self, limit_s: float) -> AsyncGenerator[None]:
        """Raise TimeoutError in the block after so long, or when a shutdown cannot wait."""
        now_s = asyncio.get_running_loop().time()
        limit = asyncio.timeout_at(min(now_s + limit_s, self.closes_at_s))
        self.running.add(limit)
        try:
            async with limit:
                yield
        finally:
            self.running.discard(limit)

    async def close(self, _: web.Application) -> None:
        """Give what runs a last GRACE_S; aiohttp has closed the door, and waits for what runs."""
        self.closes_at_s = asyncio.get_running_loop().time() + self.grace_s
        for limit in self.running:
            if not limit.expired():
                limit.reschedule(min(limit.when() or math.inf, self.closes_at_s))


DEADLINES = web.AppKey("deadlines", Deadlines)


async def deadlines(app: web.Application) -> AsyncIterator[None]:
    app[DEADLINES] = Deadlines(
        stall_s=seconds("STALL_S", 30),
        start_s=seconds("START_S", 60),
        stream_s=seconds("STREAM_S", 600),
        grace_s=seconds("GRACE_S", 20),
    )
    app.on_shutdown.append(app[DEADLINES].close)
    yield


@asynccontextmanager
async def ask_in_time(request: web.Request) -> AsyncGenerator[AsyncStream[Chunk]]:
    """Ask the LLM, and close its answer on every way out: leaving a loop over it does not.

    An LLM that does not accept in time is a status like its other failures.
    """
    stream = await _accepted(request)
    try:
        yield stream
    finally:
        await close(stream)


async def _accepted(request: web.Request) -> AsyncStream[Chunk]:
    deadlines = request.app[DEADLINES]
    try:
        async with deadlines.within(deadlines.start_s):
            return await ask_llm(request)
    except TimeoutError:
        message = "The model does not answer. Try again."
        raise refusal(web.HTTPGatewayTimeout, "llm_failed", message) from None


@asynccontextmanager
async def stream_limit(request: web.Request) -> AsyncGenerator[None]:
    """Raise TimeoutError in a block that takes longer than STREAM_S."""
    deadlines = request.app[DEADLINES]
    async with deadlines.within(deadlines.stream_s):
        yield


def out_of_time(request: web.Request) -> bytes:
    """Make the error event of an answer that a limit has ended."""
    deadlines = request.app[DEADLINES]
    if deadlines.closes_at_s < math.inf:
        code, message = "shutting_down", "The server is being restarted. Ask again."
    else:
        code = "too_long"
        message = f"The answer took longer than {deadlines.stream_s:g} s. Ask for a shorter one."
    request[TALLY].outcome = code
    return event({"error": {"code": code, "message": message}})


@asynccontextmanager
async def stall_limit(request: web.Request) -> AsyncGenerator[None]:
    """Give up a reader that does not take what the block writes within STALL_S.

    write() must be in it as well as drain(), for once in 64 KiB it waits for the reader itself.
    Whatever ends the block early ends the connection: aiohttp's drain() cannot be waited for again.
    """
    try:
        async with asyncio.timeout(request.app[DEADLINES].stall_s):
            yield
    except (TimeoutError, ConnectionError, asyncio.CancelledError) as problem:
        if isinstance(problem, TimeoutError):
            request[TALLY].outcome = "stalled"
        raise give_up(request) from None  # a reader that is gone is no error
