"""Tell a reader, and every proxy on the way, that a silent answer is alive.

A heartbeat is a comment line, which no parser of events shows to anybody. It stands alone: the
openai SDK for Python takes a block of a comment after `id:`, or one with only `retry:`, for an
event without data and fails on it. It never forgets an id, so in a stream of numbered events even a
comment in a block of its own is one too many: there a heartbeat is the line alone, without the
blank one that ends a block.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Self

from aiohttp import web
from openai import AsyncStream

from servers.common import Chunk
from servers.journal import TALLY
from servers.settings import seconds

COMMENT = b": the model is thinking\n"
HEARTBEAT = COMMENT + b"\n"
HEARTBEAT_S = web.AppKey("heartbeat_s", float)


async def heartbeats(app: web.Application) -> AsyncIterator[None]:
    """Shorter than the shortest idle limit on the way: 60 s at most load balancers."""
    app[HEARTBEAT_S] = seconds("HEARTBEAT_S", 15)
    yield


class WithHeartbeats:
    """Iterate over an answer's chunks, and None each time that no text came for HEARTBEAT_S.

    None is for the task that writes to send: a second writer of one response would cut the first
    one short. It asks only when the socket has taken what it wrote before, so no heartbeat ever
    queues up behind a reader that has stalled.
    """

    def __init__(self, request: web.Request, stream: AsyncStream[Chunk]) -> None:
        self._stream, self._tally = stream, request[TALLY]
        self._every_s = request.app[HEARTBEAT_S]
        self._due_s = time.monotonic() + self._every_s
        self._coming: asyncio.Future[Chunk] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk | None:
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._stream))
        left_s = self._due_s - time.monotonic()
        if left_s > 0:
            # wait() and not wait_for(): what is cancelled while it reads would lose a chunk
            await asyncio.wait({self._coming}, timeout=left_s)
        if left_s <= 0 or not self._coming.done():
            self._tally.heartbeats += 1
            self._due_s = time.monotonic() + self._every_s
            return None
        came, self._coming = self._coming, None
        chunk = came.result()
        if self._tally.note(chunk):  # a model that thinks sends chunks without text for minutes
            self._due_s = time.monotonic() + self._every_s
        return chunk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._coming:  # a stream that is being read cannot be closed
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
