"""Produce an answer beside its readers: it goes on while they come and go."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from traceback import clear_frames

from aiohttp import web

from servers.common import Chunk, event_of, failure
from servers.journal import JOURNAL, TALLY
from servers.replay import Replay, Unavailable
from servers.resuming import REPLAY, key_of
from servers.unavailable import told

NAME_BYTES = 12  # 96 bits that nobody guesses, 16 characters in the id of each event
LOOK_EVERY_S = 0.5
NO_READER_YET = 0  # the first to attach gets ticket 1
RUNNING = web.AppKey("running", set[asyncio.Task[None]])


async def producing(app: web.Application) -> AsyncIterator[None]:
    """Needs `resuming`, and whatever an answer is produced with: it ends before they do."""
    app[RUNNING] = set()
    yield
    for task in app[RUNNING]:
        task.cancel()
    await asyncio.gather(*app[RUNNING], return_exceptions=True)


class Answer:
    """One answer, as whoever produces it sees it."""

    def __init__(self, request: web.Request, key: str) -> None:
        self._request, self._key = request, key
        self._replay: Replay = request.app[REPLAY]
        self._number = 0
        self.accepted = asyncio.get_running_loop().create_future()

    def accept(self) -> None:
        """Let its reader have it: until now, whatever failed was a status."""
        self._request[TALLY].outlives_request = True
        self.accepted.set_result(None)

    async def add(self, chunk: Chunk) -> None:
        """Keep a chunk's text, and wait until there is room for it."""
        if self._request[TALLY].note(chunk):
            self._number += 1
            while not await self._replay.add(self._key, self._number, event_of(chunk)):
                await self._replay.wait_for_room(self._key)
        await asyncio.sleep(0)  # an LLM that is ahead gives nobody else a turn

    async def end(self, event: bytes) -> None:
        """Keep the last event."""
        await self._replay.end(self._key, self._number + 1, event)

    async def run(self, produce: "Produce") -> None:
        """Produce it until it has ended, or until nobody wants it any more."""
        await self._replay.begin(self._key)
        tally, ended = self._request[TALLY], "failed"
        try:
            await self._while_wanted(produce)
            ended = "complete" if tally.finished else "llm_failed"
        except Unavailable as why:
            ended = {"gone": "abandoned"}.get(str(why), str(why))
            clear_frames(why.__traceback__)  # they hold the tasks, and a task what it ended with
        except asyncio.CancelledError:
            ended = "shutting_down"
            raise
        except Exception:
            if self.accepted.done():  # or its readers would wait for ever
                with suppress(Unavailable):
                    await self.end(failure())
            raise
        finally:
            if self.accepted.done():
                self._request.app[JOURNAL].end(tally, web.HTTPOk.status_code, ended)
            else:
                with suppress(Unavailable):
                    await self._replay.forget(self._key)

    async def _while_wanted(self, produce: "Produce") -> None:
        both = {
            asyncio.create_task(produce(self._request, self)),
            asyncio.create_task(self._look()),
        }
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _look(self) -> None:
        """Raise as soon as nobody wants it: an LLM that is silent would not notice.

        Until the LLM accepts, its first reader waits for that, and the time to come back is not
        running yet.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self.accepted.done():
                await self._replay.leave(self._key, NO_READER_YET)
            await self._replay.look(self._key)


Produce = Callable[[web.Request, Answer], Coroutine[None, None, None]]


async def begin(request: web.Request, produce: Produce) -> str:
    """Start an answer, and return its name once the LLM has accepted.

    A reader that leaves before that does not know the name, and ends it.
    """
    name = secrets.token_urlsafe(NAME_BYTES)
    answer = Answer(request, key_of(request, name))
    task = asyncio.create_task(answer.run(produce))
    request.app[RUNNING].add(task)
    task.add_done_callback(request.app[RUNNING].discard)
    try:
        await asyncio.wait({task, answer.accepted}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not answer.accepted.done():
        with told():
            await task
    return name
