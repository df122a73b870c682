"""Runs a learner's code, which may raise, block or never end, and leaves nothing of it behind."""

import asyncio
import functools
import inspect
import threading
from typing import Any, Self

import openai
from aiohttp import web

from servers.common import Handler
from workshop_lib.exercises.calling import TookTooLong, frame_of, interrupt
from workshop_lib.exercises.code import file_of, in_words, line_in, places_in
from workshop_lib.exercises.contract import NotYet

TICK_S = 0.25
PATIENCE_TICKS = 16  # counted, not timed: a machine that sleeps must not cost a learner their loop


class Guard:
    """Wraps a learner's handler as `chat`; `problem` is the first thing that went wrong with it.

    As a context manager it watches the event loop in which `chat` runs, and interrupts a handler
    that has held it for some 4 s. `tasks` are those of the learner's that have not ended.
    """

    def __init__(self, attempt: Handler) -> None:
        if not inspect.iscoroutinefunction(attempt):
            raise NotYet(
                f"The check got {attempt!r}. Give it your handler, an `async def` that takes a "
                "request, by its name and without parentheses."
            )
        self._attempt = attempt
        self.problem: str | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id: int | None = None
        self._ticks = 0
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="guard", daemon=True)

    def __enter__(self) -> Self:
        self._watching.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._ended.set()
        self._watching.join()

    def raise_problem(self) -> None:
        """Raise NotYet if something has gone wrong."""
        if self.problem:
            raise NotYet(self.problem)

    def waiting(self) -> str:
        """Say where in the learner's code one of its unfinished tasks waits."""
        frames = [frame for task in list(self.tasks) for frame in task.get_stack()]
        return line_in(self._attempt, [(f.f_code.co_filename, f.f_lineno) for f in frames])

    @property
    def chat(self) -> Handler:
        """The handler to serve; it bears the learner's name."""

        @functools.wraps(self._attempt)
        async def chat(request: web.Request) -> web.StreamResponse:
            return await self._chat(request)

        return chat

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self._settle_in()
        if self.problem:
            raise web.HTTPServiceUnavailable
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        try:
            response = await self._attempt(request)
        except Exception as problem:
            self._note(problem)
            raise
        except TookTooLong:
            raise web.HTTPServiceUnavailable from None
        finally:
            self.tasks.discard(task)
        if not isinstance(response, web.StreamResponse):  # pyright: ignore[reportUnnecessaryIsInstance]
            self.problem = self.problem or (
                f"Your handler returned {response!r}. End it with `return response`."
            )
        return response

    def _settle_in(self) -> None:
        if self._loop is None:
            self._thread_id = threading.get_ident()
            self._loop = asyncio.get_running_loop()
            self._loop.set_task_factory(self._make_task)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Make a task as asyncio does, and look after it if its code is the learner's."""
        task = asyncio.Task(coro, loop=loop, **options)
        code = getattr(coro, "cr_code", None)
        if code and code.co_filename == file_of(self._attempt):
            self.tasks.add(task)
            task.add_done_callback(self._end_task)
        return task

    def _end_task(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        # that the LLM fails is no mistake, and the handler may await this task, as step1's does
        if problem and not isinstance(problem, openai.APIError):
            self._note(problem)

    def _note(self, problem: BaseException) -> None:
        """Keep a learner's mistake; that a reader leaves, or a request is refused, is none."""
        expected = isinstance(problem, ConnectionError | web.HTTPException | TookTooLong)
        if not expected and self.problem is None:
            self.problem = f"Your handler raised {in_words(problem, self._attempt)}. Repair that."

    def _watch(self) -> None:
        while not self._ended.wait(TICK_S):
            if self._loop is None:
                continue
            try:
                self._loop.call_soon_threadsafe(self._beat)
            except RuntimeError:  # the loop has ended
                return
            self._ticks += 1
            if self._ticks > (2 if self.problem else PATIENCE_TICKS):
                self._break_in()

    def _beat(self) -> None:
        self._ticks = 0

    def _break_in(self) -> None:
        where = line_in(self._attempt, places_in(frame_of(self._thread_id)))
        if where:
            self.problem = self.problem or (
                f"Your handler held the event loop for {PATIENCE_TICKS * TICK_S:.0f} s{where}. "
                "Nobody else is served meanwhile: wait with `await`."
            )
            interrupt(self._thread_id)
