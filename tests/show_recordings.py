"""What the charts' tests share: recordings made up, of a server that hoards and one that waits."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Gauges, Recording, Sample

WIRE_BYTES = 32
SETUP: dict[str, Any] = {
    "server": "step1_broken",
    "time_lapse": 1.0,
    "readers": 25,
    "mix": {"stalled": 20, "steady": 5},
    "tokens_per_s": 40.0,
    "token_bytes": 5,
    "answer_tokens": 100_000,
    "seconds": 15.0,
    "seed": 1,
    "llm_sndbuf_asked": 4096,
    "llm_sndbuf_granted": 8192,
    "sndbuf_asked": 2048,
    "sndbuf_granted": 4608,
    "rcvbuf_asked": 2048,
    "rcvbuf_granted": 2304,
    "server_rcvbuf_asked": 16384,
    "server_rcvbuf_granted": 32768,
    "high_water_bytes": 0,
}


def a_run(*, hoards: bool = True, seconds: float = 15.0, unseen: bool = False) -> Recording:
    """20 stalled readers whose sockets take 100 tokens each, 10 that they have read, 5 healthy."""
    server = "step1_broken" if hoards else "step2_fixed"
    recording = Recording({**SETUP, "server": server})
    for beat in range(round(seconds * 10) + 1):
        recording.samples.append(_sample(beat / 10, hoards, unseen))
    return recording


def _sample(t_s: float, hoards: bool, unseen: bool) -> Sample:
    asked = int(40 * t_s)
    produced = asked if hoards else min(asked, 110)
    got = min(produced, 10)
    downstream = min(produced - got, 100)
    queued = produced - got - downstream
    stalled = _gauges(20, produced, queued, downstream, got)
    if unseen:
        stalled = replace(stalled, queued_tokens=None, queued_bytes=None, kernel_bytes=None)
    habits = {"stalled": stalled, "steady": _gauges(5, asked, 0, 0, asked)}
    return Sample(t_s, habits, None if unseen else 1_000_000 + 20 * queued * 2_700)


def _gauges(readers: int, produced: int, queued: int, downstream: int, got: int) -> Gauges:
    return Gauges(
        readers=readers,
        open=readers,
        produced_tokens=readers * produced,
        llm_tokens=0,
        queued_tokens=readers * queued,
        queued_bytes=readers * queued * WIRE_BYTES,
        write_buffer_bytes=0,
        kernel_bytes=readers * downstream * WIRE_BYTES,
        downstream_tokens=readers * downstream,
        received_tokens=readers * got,
        received_bytes=readers * got * WIRE_BYTES,
    )


async def seen(look: Callable[[], object]) -> None:
    """Let the event loop run until there is something to see."""
    async with asyncio.timeout(60):
        while not look():  # noqa: ASYNC110 (what is looked at sets no event)
            await asyncio.sleep(0.05)


def a_leaving_run(*, stops: bool = False, seconds: float = 6.0) -> Recording:
    """10 readers who leave after 10 tokens and half a second, and 2 who stay; 50 tokens/s."""
    server = "step3_cancelling" if stops else "step2_fixed"
    plan = {"server": server, "mix": {"leaver:10": 10, "steady": 2}, "seconds": seconds}
    recording = Recording({**SETUP, **plan, "readers": 12, "tokens_per_s": 50.0})
    for beat in range(round(seconds * 10) + 1):
        t_s = beat / 10
        asked, left = int(50 * t_s), 10 if t_s >= 0.5 else 0
        produced = min(asked, 11) if stops else asked
        got = min(asked, 10)
        leavers = replace(
            _gauges(10, produced, 0, 0, got), left=left, wasted_tokens=left * (produced - got)
        )
        habits = {"leaver:10": leavers, "steady": _gauges(2, asked, 0, 0, asked)}
        recording.samples.append(Sample(t_s, habits, 1_000_000))
    recording.streams = [_that_left(reader, produced, is_open=not stops) for reader in range(10)]
    return recording


def _that_left(reader: int, produced: int, is_open: bool) -> StreamLedger:
    return StreamLedger(
        reader, "leaver:10", produced, 0, 0, 0, 0, 0, 0, 0, 10, 320, is_open, left=True,
        after_leaving_tokens=max(0, produced - 25),
    )  # fmt: skip
