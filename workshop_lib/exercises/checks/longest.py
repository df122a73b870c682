"""How long may answers be where nobody waits for a reader? Worked out, and then run."""

import asyncio
from typing import Any

from servers import step1_broken
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording

READERS = 10
MOST_BYTES = 160_000
TOKEN_BYTES, EVENT_BYTES = 5, 32
LONGEST = MOST_BYTES // (READERS * EVENT_BYTES)
SECONDS = 12.0
LEAST_SHARE = 0.5
SLIPS = {
    READERS: f"That is for one reader alone: {READERS} of them wait at the same time.",
    EVENT_BYTES / TOKEN_BYTES: (
        "That counts the text of the tokens: what waits is their events, as they go over the wire."
    ),
    READERS * EVENT_BYTES / TOKEN_BYTES: (
        "That counts the text of the tokens, and of one reader alone."
    ),
}


async def judge_longest(attempt: Any) -> str:
    if type(attempt) is not int or not 0 < attempt <= 1_000_000:
        raise NotYet(f"The check got {attempt!r}. Give a whole number of tokens, above 0.")
    most = await _most_waiting_bytes(attempt)
    found = (
        f"With answers of {attempt:,} tokens {READERS} stalled readers made {most:,} bytes wait, "
        f"and {MOST_BYTES:,} are allowed."
    )
    if most > MOST_BYTES:
        raise NotYet(f"{found} {_slip(attempt)}")
    if most < LEAST_SHARE * MOST_BYTES:
        raise NotYet(f"{found} Longer answers would do, too.")
    return f"{found} There it stopped by itself, for the answers had come to their ends."


def _slip(attempt: int) -> str:
    nearest = min(SLIPS, key=lambda slip: abs(attempt / (LONGEST * slip) - 1))
    if abs(attempt / (LONGEST * nearest) - 1) < 0.3:
        return SLIPS[nearest]
    return "Divide the bytes by the readers, and by the bytes of an event."


async def _most_waiting_bytes(answer_tokens: int) -> int:
    """Run it until all answers have ended, or more waits than may."""
    enough = asyncio.Event()

    def look(recording: Recording) -> None:
        if not recording.samples:
            return
        now = recording.samples[-1].group()
        over = now.produced_tokens * EVENT_BYTES > MOST_BYTES
        if over or now.produced_tokens == READERS * answer_tokens:
            enough.set()

    recording = await Experiment(
        step1_broken,
        READERS,
        {"stalled": READERS},
        tokens_per_s=0,
        token_bytes=TOKEN_BYTES,
        answer_tokens=answer_tokens,
        seconds=SECONDS,
        time_lapse=4,
    ).run(look, enough)
    # wherever a token waits: none of them has been read
    return sum(stream.produced_tokens for stream in recording.streams) * EVENT_BYTES
