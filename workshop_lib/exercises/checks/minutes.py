"""After how many minutes would a stalled reader be felt, with the kernel's own buffers?"""

import asyncio
from typing import Any

from servers import step2_fixed
from servers.common import event
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import KERNELS_OWN, Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.tokens import token_text

RATE_TOKENS_PER_S = 30
TOKEN_BYTES = 5
BIG_TOKEN_BYTES = 4000
MEASURING_S = 10.0
STILL_SAMPLES = 8
FACTOR = 2


async def judge_minutes(attempt: Any) -> str:
    if isinstance(attempt, bool) or not isinstance(attempt, int | float) or attempt <= 0:
        raise NotYet(f"The check got {attempt!r}. Give it a number of minutes, above 0.")
    kernel_bytes = await kernel_takes()
    wire_bytes = _bytes_on_the_wire()
    minutes = kernel_bytes / (wire_bytes * RATE_TOKENS_PER_S * 60)
    found = (
        f"the kernel took {kernel_bytes:,} bytes for one stalled reader; a token of {TOKEN_BYTES} "
        f"bytes takes {wire_bytes} on the wire, and {RATE_TOKENS_PER_S} tokens a second "
        f"{wire_bytes * RATE_TOKENS_PER_S:,} bytes a second"
    )
    if minutes / FACTOR <= attempt <= minutes * FACTOR:
        return f"On this machine {found}: that is {minutes:.0f} minutes. You said {attempt:g}."
    raise NotYet(f"{_what_went_wrong(attempt, minutes, wire_bytes)} On this machine {found}.")


def _what_went_wrong(attempt: float, minutes: float, wire_bytes: int) -> str:
    slips = {
        60.0: "That looks like seconds: divide by 60.",
        1 / 60: "That looks like hours: multiply by 60.",
        wire_bytes / TOKEN_BYTES: (
            "That counts the token's text only: its event and the chunk around it fill the "
            "sockets, too."
        ),
        RATE_TOKENS_PER_S: "That looks like one token a second: divide by their rate.",
    }
    nearest = min(slips, key=lambda slip: abs(attempt / (minutes * slip) - 1))
    if abs(attempt / (minutes * nearest) - 1) < 0.3:
        return slips[nearest]
    direction = "shorter" if attempt > minutes else "longer"
    return f"It would be {direction} than {attempt:g} minutes. Divide bytes by bytes a second."


_measured: list[int] = []


async def kernel_takes() -> int:
    """Return the bytes that this machine's sockets took for one stalled reader, measured once.

    Large tokens fill them in a second or two; what fills them makes no difference.
    """
    if not _measured:
        _measured.append(await _measure())
    return _measured[0]


async def _measure() -> int:
    stopping = asyncio.Event()

    def stop_when_full(recording: Recording) -> None:
        taken = [sample.group().kernel_bytes for sample in recording.samples[-STILL_SAMPLES:]]
        if len(taken) == STILL_SAMPLES and taken[0] and taken[0] == taken[-1]:
            stopping.set()

    experiment = Experiment(
        step2_fixed,
        readers=1,
        mix={"stalled": 1},
        tokens_per_s=0,
        token_bytes=BIG_TOKEN_BYTES,
        seconds=MEASURING_S,
        buffers=KERNELS_OWN,
        time_lapse=BIG_TOKEN_BYTES / TOKEN_BYTES,
    )
    recording = await experiment.run(stop_when_full, stopping)
    kernel_bytes = recording.samples[-1].group().kernel_bytes
    if not kernel_bytes:
        raise NotYet(
            "This system does not show what its sockets hold, so there is nothing to compare "
            "with. Take the figures of the lesson, or try on Linux or macOS."
        )
    return kernel_bytes


def _bytes_on_the_wire() -> int:
    """Return what one token takes: its event, and the frame of a chunk (RFC 9112, 7.1)."""
    sent = event({"token": token_text(100, TOKEN_BYTES)})
    return len(f"{len(sent):x}\r\n") + len(sent) + len("\r\n")
