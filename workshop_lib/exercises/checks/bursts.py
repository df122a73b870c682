"""Does an instrument tell bursts from a flow, for answers of any pace, as they came to readers?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from workshop_lib.cases.evidence import BURST_TOKENS, bursts
from workshop_lib.cases.examination import examined
from workshop_lib.exercises.calling import call
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.witness import Arrival

LOT_TOKENS = 20
SLOWER = 8.0
PIECE_S = 0.0005

Arrivals = list[tuple[float, int]]


class Kept(NamedTuple):
    """Arrivals as some examination kept them, in words, and what is to be said of them."""

    about: str
    arrivals: Arrivals
    in_bursts: bool
    advice: str


async def judge_bursts(attempt: Any) -> str:
    if not callable(attempt):
        raise NotYet(f"The check got {attempt!r}. Give it your function, without parentheses.")
    kept = await _kept()
    for one in kept:
        said = call(attempt, list(one.arrivals))
        if not isinstance(said, bool):
            raise NotYet(f"Your function returned {said!r}. Let it return True or False.")
        if said != one.in_bursts:
            found = "bursts" if said else "a flow"
            raise NotYet(f"It calls this {found}: {one.about}. {one.advice}")
    tokens = sum(tokens for one in kept for _, tokens in one.arrivals)
    return f"{len(kept)} answers of {tokens:,} tokens in all, and each is told for what it was."


async def _kept() -> list[Kept]:
    gathered, direct, compressed, thinking = await _visits()
    return [
        Kept(
            "tokens that came one by one",
            direct,
            False,
            "Between two reads lie some 25 ms. Look at what came with next to no time between.",
        ),
        Kept(
            "an LLM that thought for long, with heartbeats, and then gave token after token",
            thinking,
            False,
            "Silence before the first token is the LLM's. A read without tokens is a heartbeat.",
        ),
        Kept(
            f"an LLM {SLOWER:g} times as slow, whose tokens came one by one",
            [(t_s * SLOWER, tokens) for t_s, tokens in direct],
            False,
            "Long gaps are no bursts: ask how many tokens came after each of them.",
        ),
        Kept(
            "a proxy that gave the whole answer at its end",
            gathered,
            True,
            "All tokens came at one moment: one read can hold a whole answer.",
        ),
        Kept(
            "a compressor that gave nothing until its block was full",
            compressed,
            True,
            "What comes in several reads with next to no time between them is one burst.",
        ),
        Kept(
            f"a buffer that gave {LOT_TOKENS} tokens at a time, each in a read of its own",
            _in_lots(direct),
            True,
            "Reads are cut anywhere: add up those that come with next to no time between them.",
        ),
    ]


async def _visits() -> tuple[Arrivals, Arrivals, Arrivals, Arrivals]:
    """Return what came to the readers of four examinations, as times and tokens."""
    a, d, i = await examined("ADI")
    wanted = ((a.browser, True), (a.direct, False), (d.browser, True), (i.browser, False))
    for visit, is_burst in wanted:
        large = sum(size for size in bursts(visit.arrivals) if size >= BURST_TOKENS)
        if not visit.tokens or (large > visit.tokens / 2) != is_burst:
            raise NotYet("A busy machine has disturbed the cases: examine A, D and I again.")
    return (
        _pairs(a.browser.arrivals),
        _pairs(a.direct.arrivals),
        _pairs(d.browser.arrivals),
        _pairs(i.browser.arrivals),
    )


def _pairs(arrivals: Sequence[Arrival]) -> Arrivals:
    return [(round(arrival.t_s, 4), arrival.tokens) for arrival in arrivals]


def _in_lots(arrivals: Arrivals) -> Arrivals:
    """Keep tokens back until there are enough, and cut what then comes into single ones."""
    each_s = [t_s for t_s, tokens in arrivals for _ in range(tokens)]
    return [
        (each_s[min(len(each_s) - 1, n - n % LOT_TOKENS + LOT_TOKENS - 1)] + n * PIECE_S, 1)
        for n in range(len(each_s))
    ]
