"""What became of each answer: counted while it runs, one line of the access log when it ends.

A line is JSON on the logger `servers.access`. A chunk with text counts as one token: that is how
most providers send them, and all that can be known of an answer whose reader leaves in the middle.
"""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

from servers.common import Chunk, Handler

LOG = logging.getLogger("servers.access")
LEFT_BEFORE_THE_START = 499  # no status was sent; nginx logs it so


@dataclass(eq=False)
class Tally:
    """One answer; its outcome is complete, llm_failed, left, refused, or why it was ended early."""

    request: web.Request
    began_s: float = field(default_factory=time.monotonic)
    status: int = 500
    outcome: str = ""
    tokens: int = 0
    heartbeats: int = 0
    first_token_s: float | None = None
    finished: bool = False
    user: str | None = None
    outlives_request: bool = False  # whoever produces it ends it

    def note(self, chunk: Chunk) -> bool:
        """Count a chunk of the LLM's; tell whether it has text."""
        if not chunk.choices:
            return False
        self.finished = self.finished or bool(chunk.choices[0].finish_reason)
        if not chunk.choices[0].delta.content:
            return False
        self.tokens += 1
        if self.first_token_s is None:
            self.first_token_s = self._now_s()
        return True

    @property
    def is_streaming(self) -> bool:
        """Whether its head is out."""
        return self.request.writer.output_size > 0

    def line(self) -> str:
        said = {
            "user": self.user or self.request.remote,
            "status": self.status,
            "outcome": self.outcome,
            "tokens": self.tokens,
            "first_token_s": self.first_token_s,
            "duration_s": self._now_s(),
            "heartbeats": self.heartbeats,
        }
        return json.dumps(said)

    def _now_s(self) -> float:
        return round(time.monotonic() - self.began_s, 3)


@dataclass
class Journal:
    """The answers that run, and sums over those that have ended."""

    open: set[Tally] = field(default_factory=set[Tally])
    ended: Counter[str] = field(default_factory=Counter[str])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    refusals: Counter[int] = field(default_factory=Counter[int])

    def end(self, tally: Tally, status: int, outcome: str) -> None:
        """Move a tally to the sums, and write its line; an outcome that it knows stays."""
        tally.status, tally.outcome = status, tally.outcome or outcome
        self.open.discard(tally)
        self.ended.update(tokens=tally.tokens, heartbeats=tally.heartbeats)
        self.outcomes[tally.outcome] += 1
        if tally.outcome == "refused":
            self.refusals[tally.status] += 1
        LOG.info(tally.line())


JOURNAL = web.AppKey("journal", Journal)
TALLY = web.RequestKey("tally", Tally)


async def journal(app: web.Application) -> AsyncIterator[None]:
    """Needed before all that may refuse a request, so that its refusals are in it too."""
    app[JOURNAL] = Journal()
    app.middlewares.append(_keep)
    yield


@web.middleware
async def _keep(request: web.Request, handler: Handler) -> web.StreamResponse:
    if (request.method, request.path) != ("POST", "/chat"):  # the page, the metrics: no answers
        return await handler(request)
    tally = request[TALLY] = Tally(request)
    request.app[JOURNAL].open.add(tally)
    status, outcome = 500, "failed"
    try:
        response = await handler(request)
        status, outcome = response.status, "complete" if tally.finished else "llm_failed"
        return response
    except web.HTTPException as refused:
        status, outcome = refused.status, "refused"
        raise
    except asyncio.CancelledError:
        status, outcome = 200 if tally.is_streaming else LEFT_BEFORE_THE_START, "left"
        raise
    finally:
        if not tally.outlives_request:
            request.app[JOURNAL].end(tally, status, outcome)
