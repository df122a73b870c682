"""Does an alarm on write buffers tell one that grows from one that stands at its mark?"""

import asyncio
from typing import Any, NamedTuple

from servers import step2_fixed
from workshop_lib.exercises.calling import call
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import Buffers, Experiment

NEVER = 10**9  # a mark that nothing reaches: nobody is ever told to wait
TOKENS_PER_S = 100.0
SECONDS = 3.0
STALLED = "stalled"


class Watched(NamedTuple):
    """One connection that is looked at: in words, how its server and its reader are."""

    about: str
    high_water: int
    healthy: bool = True
    token_bytes: int = 8000
    reader: str = STALLED


CONNECTIONS = (
    Watched("a healthy server, whose mark is 16,384 bytes", 16_384),
    Watched("a healthy server, whose mark is 65,536 bytes", 65_536),
    Watched("a healthy server, whose mark is 262,144 bytes", 262_144),
    Watched(
        "a healthy server with a reader who takes a little now and then",
        65_536,
        reader="sleeper:8192:0.07",
    ),
    Watched("a broken server", NEVER, healthy=False),
    Watched("a broken server with small events", NEVER, healthy=False, token_bytes=99),
)


async def judge_alarm(attempt: Any) -> str:
    if not callable(attempt):
        raise NotYet(f"The check got {attempt!r}. Give it your function, without parentheses.")
    runs = await asyncio.gather(*(_looks_at(watched) for watched in CONNECTIONS))
    for watched, looks in zip(CONNECTIONS, runs, strict=True):
        _judge(attempt, watched, looks)
    broken = [runs[at] for at, watched in enumerate(CONNECTIONS) if not watched.healthy]
    return (
        f"Silent over {len(runs) - len(broken)} healthy connections, whatever their mark is. It "
        f"rings for {len(broken)} broken ones, of which one had no more than "
        f"{min(map(max, broken)):,} bytes."
    )


async def _looks_at(watched: Watched) -> list[int]:
    """Run one connection, and return what its write buffer held, look by look."""
    experiment = Experiment(
        step2_fixed,
        readers=1,
        mix={watched.reader: 1},
        tokens_per_s=TOKENS_PER_S,
        token_bytes=watched.token_bytes,
        seconds=SECONDS,
        buffers=Buffers(high_water=watched.high_water),
        time_lapse=TOKENS_PER_S / 30,
    )
    recording = await experiment.run()
    held = [sample.group().write_buffer_bytes or 0 for sample in recording.samples]
    began = next((at for at, size in enumerate(held) if size), 0)
    return held[began:]


def _judge(attempt: Any, watched: Watched, looks: list[int]) -> None:
    """Ask the alarm at every look of the second half, as a server would that runs for days.

    A buffer that shall stand, and on a busy machine still fills by then, is asked about later.
    """
    half = len(looks) // 2
    asked = range(max(half, _stands_from(watched, looks)), len(looks) + 1)
    rang = [upto for upto in asked if _rings(attempt, looks[:upto])]
    if watched.healthy and rang:
        raise NotYet(
            f"It rang for {watched.about}. The newest looks: {_newest(looks[: rang[0]])} bytes. "
            "That buffer stands: how many bytes it holds is its server's choice."
        )
    if not watched.healthy and len(looks) not in rang:
        raise NotYet(
            f"It kept silent over {watched.about}, whose buffer grew from {looks[half]:,} to "
            f"{looks[-1]:,} bytes in the second half of the looks. Compare late looks with early "
            "ones, and not with a limit."
        )


def _stands_from(watched: Watched, looks: list[int]) -> int:
    """Return how many looks it takes to see that a healthy buffer has come to its mark."""
    if not watched.healthy or watched.reader != STALLED:
        return 0
    for at, size in enumerate(looks):
        if size >= watched.high_water:
            return at + 2
    raise NotYet("A busy machine has disturbed the connections: run the check again.")


def _rings(attempt: Any, looks: list[int]) -> bool:
    said = call(attempt, list(looks))
    if not isinstance(said, bool):
        raise NotYet(f"Your function returned {said!r}. Let it return True or False.")
    return said


def _newest(looks: list[int]) -> str:
    return ", ".join(f"{size:,}" for size in looks[-3:])
