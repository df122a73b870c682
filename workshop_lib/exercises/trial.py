"""Puts a learner's handler between our LLM and our readers."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from servers.common import Handler
from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.guard import Guard
from workshop_lib.experiment import Buffers, Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.upstream import app_of

LESSON_TOKENS_PER_S = 30.0
LOOK_S = 0.05


class Trial(NamedTuple):
    """A handler that is being served: its LLM, its address, and the guard that watches it."""

    llm: FakeLLM
    url: str
    guard: Guard


@contextmanager
def serving(
    attempt: Handler,
    buffers: Buffers,
    *,
    answer_tokens: int,
    tokens_per_s: float,
    around: Callable[[Handler], Handler] = lambda handler: handler,
) -> Generator[Trial]:
    """Serve a handler whose LLM gives such answers; NotYet for what goes wrong in it.

    `around` is put around it, to look at what it does.
    """
    with Guard(attempt) as guard:
        try:
            with (
                FakeLLM(
                    sndbuf=buffers.llm_sndbuf,
                    answer_tokens=answer_tokens,
                    tokens_per_s=tokens_per_s,
                ) as llm,
                ServerThread(
                    lambda: app_of(around(guard.chat), buffers.server_rcvbuf),
                    env=llm.env,
                    sndbuf=buffers.server_sndbuf,
                    high_water_bytes=buffers.high_water,
                ) as server,
            ):
                yield Trial(llm, f"{server.url}/chat", guard)
        except (NotYet, RuntimeError):  # consequences, if there is a problem
            guard.raise_problem()
            raise
        guard.raise_problem()


async def experiment_on(attempt: Handler, **settings: Any) -> Recording:
    """Run an experiment on a handler, at a pace of its own; NotYet for what goes wrong in it."""
    stopping = asyncio.Event()
    rate = settings["tokens_per_s"]
    with Guard(attempt) as guard:
        experiment = Experiment(guard.chat, time_lapse=rate / LESSON_TOKENS_PER_S, **settings)
        try:
            recording = await experiment.run(
                lambda _: stopping.set() if guard.problem else None, stopping
            )
        except RuntimeError:  # the server's thread could not be ended
            guard.raise_problem()
            raise
        guard.raise_problem()
    if recording.errors:
        raise NotYet(f"The server failed: {recording.errors[0]}. Repair that first.")
    return recording


async def within(timeout_s: float, reached: Callable[[], bool]) -> bool:
    """Tell whether something is reached in time."""
    for _ in range(round(timeout_s / LOOK_S)):
        if reached():
            return True
        await asyncio.sleep(LOOK_S)
    return reached()
