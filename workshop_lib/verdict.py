"""The judge: a pure function of a recording that counts tokens; how fast they came is no matter.

Bounded means that the LLM was made to stop, or to go at its readers' pace. That no memory grew
proves nothing: the kernel takes megabytes for each connection before the server notices.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workshop_lib.meter.recording import FEWEST_SAMPLES, Gauges, Recording

Outcome = Literal[
    "bounded", "growing", "unclear", "stopped", "running on", "one by one", "in lumps", "complete",
    "cut", "fair", "unfair", "resumed", "repeated",
]  # fmt: skip

# A reader is held back by its habit; a steady one without a limit is not.
HEALTHY = "steady"
# What moves between two gauges, or sits in the hands of an SDK, is not hoarding.
SLACK_TOKENS_PER_READER = 3
LEAST_SHARE_HOARDED = 0.2
MOST_SHARE_WHEN_SLOWED = 0.5
# Readers report a little late: what they have got meanwhile still looks as if it were under way.
MOST_SHARE_GAINED = 0.1
# The SDK's HTTP client takes so much off its socket at a time (httpcore, READ_NUM_BYTES), and has
# it in hand until the server asks for the last chunk in it. That is bounded, however it jumps.
SDK_READ_BYTES = 65536
CHUNK_FRAME_BYTES = 360
# asyncio's own mark, above which drain() waits: a server that heeds it never holds more
USUAL_HIGH_WATER_BYTES = 65536
OWN_QUEUES = "server's own queues"


@dataclass(frozen=True)
class Verdict:
    """An outcome and, in a sentence, the tokens and bytes that it rests on."""

    outcome: Outcome
    evidence: str

    def __str__(self) -> str:
        return f"{self.outcome}: {self.evidence}"


def slow_habits(setup: Mapping[str, Any]) -> list[str]:
    """Name the habits that hold the pipe back; behind a slow link all of them may."""
    return [habit for habit in setup["mix"] if habit != HEALTHY or setup.get("link")]


def judge(recording: Recording) -> Verdict:
    """Compare the last third of a run with its first, for the readers that hold the pipe back."""
    habits = slow_habits(recording.setup)
    if recording.errors:
        return Verdict(
            "unclear", f"the server failed: {_sentence(recording.errors[0])} Repair that first."
        )
    if not habits:
        return Verdict("unclear", "every reader kept up. Add readers that stall.")
    if len(recording.samples) < FEWEST_SAMPLES:
        return Verdict("unclear", "the run was too short. Let it last longer.")
    moments = [
        recording.samples[round(part * (len(recording.samples) - 1) / 3)] for part in range(4)
    ]
    thirds = [moment.group(habits) for moment in moments]
    if not thirds[-1].received_tokens and recording.complaints:
        return Verdict("unclear", f"no token came through: {_sentence(recording.complaints[0])}")
    if not thirds[-1].produced_tokens:
        return Verdict("unclear", "the LLM produced no token. See whether the server asks it.")
    if grown := _grown(recording, thirds[2], thirds[3]):
        return Verdict("growing", grown)
    rate, last_third_s = recording.setup["tokens_per_s"], moments[3].t_s - moments[2].t_s
    due = rate * last_third_s if rate else math.inf
    return _held_back(*thirds, queues=holder(recording.setup), due_tokens_per_reader=due)


def _grown(recording: Recording, second: Gauges, end: Gauges) -> str | None:
    """Say what the server hoards more and more of, if there is such a thing."""
    lately = end.produced_tokens - second.produced_tokens
    most = max(SLACK_TOKENS_PER_READER * end.readers, lately * LEAST_SHARE_HOARDED)
    so_far = f"in the last third the LLM produced {lately:,} tokens {_for_readers(end)}, and the "
    if end.queued_tokens is not None and second.queued_tokens is not None:
        hoarded = end.queued_tokens - second.queued_tokens
        if hoarded > most and end.queued_tokens > _in_hand(recording, end):
            return (
                f"{so_far}{holder(recording.setup)} grew by {hoarded:,}, "
                f"to {end.queued_tokens:,} tokens ({end.queued_bytes or 0:,} bytes on the wire)."
            )
    mark = recording.setup.get("high_water_bytes")
    allowed_bytes = end.readers * (USUAL_HIGH_WATER_BYTES if mark is None else mark)
    if (end.write_buffer_bytes or 0) > allowed_bytes:
        hoarded = end.buffered_tokens - second.buffered_tokens
        if hoarded > most:
            return (
                f"{so_far}server's write buffers grew by {hoarded:,} tokens, "
                f"to {end.write_buffer_bytes:,} bytes."
            )
    return None


def holder(setup: Mapping[str, Any]) -> str:
    """Name what holds the tokens; a proxy's share in it nobody can see from outside."""
    proxy = setup.get("proxy")
    return f"queues of the server and of {proxy['name']}" if proxy else OWN_QUEUES


def _in_hand(recording: Recording, gauges: Gauges) -> float:
    """Return the most tokens that the SDK may have read ahead for so many readers."""
    return gauges.readers * SDK_READ_BYTES / (CHUNK_FRAME_BYTES + recording.setup["token_bytes"])


def _held_back(
    start: Gauges,
    first: Gauges,
    second: Gauges,
    end: Gauges,
    *,
    queues: str,
    due_tokens_per_reader: float,
) -> Verdict:
    slack = SLACK_TOKENS_PER_READER * end.readers
    began = first.produced_tokens - start.produced_tokens
    lately = end.produced_tokens - second.produced_tokens
    gained = end.in_flight_tokens - second.in_flight_tokens
    keeps_pace = gained <= max(slack, lately * MOST_SHARE_GAINED)
    counts = (
        f"{_for_readers(end)}: {lately:,} tokens in the last third after {began:,} in the first"
    )
    if end.open < end.readers:
        pass  # an LLM whose answers came to an end was not held back
    elif lately <= slack:
        if due_tokens_per_reader > 2 * SLACK_TOKENS_PER_READER:
            return Verdict("bounded", f"the LLM was made to stop {counts}; {_held(end, queues)}.")
        return Verdict(
            "unclear", f"the LLM had few tokens to produce {counts}. Make the run longer."
        )
    elif keeps_pace and (
        lately < began * MOST_SHARE_WHEN_SLOWED
        # slowed from the start: its sockets stay full, and less goes into them than it has to give
        or (
            min(second.llm_tokens or 0, end.llm_tokens or 0) > slack
            and lately < due_tokens_per_reader * end.readers * MOST_SHARE_WHEN_SLOWED
        )
    ):
        return Verdict(
            "bounded", f"the LLM was slowed to its readers' pace {counts}; {_held(end, queues)}."
        )
    return Verdict("unclear", _why_unclear(end, queues, lately, keeps_pace))


def _for_readers(gauges: Gauges) -> str:
    return f"for {gauges.readers:,} slow readers"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _why_unclear(end: Gauges, queues: str, lately: int, keeps_pace: bool) -> str:
    if end.open < end.readers:
        ended = end.readers - end.open
        return f"{ended:,} of {end.readers:,} answers came to an end. Make them longer."
    if keeps_pace:
        return "the readers kept up with the LLM. Let some of them stall."
    if end.queued_tokens is None:
        return "this system does not show the kernel's queues. Run it on Linux or macOS."
    return (
        f"the LLM produced {lately:,} tokens in the last third, and the sockets and the SDK still "
        f"had room for them; {_held(end, queues)}. "
        "Make the socket buffers smaller, or the run longer."
    )


def _held(gauges: Gauges, queues: str) -> str:
    if gauges.queued_tokens is None:
        return "what the server holds cannot be seen here"
    if gauges.write_buffer_bytes is None:
        return f"the server's queues and buffers hold {gauges.queued_tokens:,} tokens"
    held = f"the {queues} hold {gauges.queued_tokens:,} tokens"
    if queues != OWN_QUEUES:  # which write buffer is which reader's only the proxy knows
        return held
    return f"{held} and its write buffers {gauges.write_buffer_bytes:,} bytes"


def expect(
    recording: Recording, outcome: Outcome, by: Callable[[Recording], Verdict] = judge
) -> None:
    """Print PASS when a run came out as foretold; else what was found instead, with its evidence.

    `by` is the judge.
    """
    compare(recording.setup["server"], by(recording), outcome)


def compare(name: str, verdict: Verdict, outcome: Outcome) -> None:
    """Print whether a verdict is as foretold.

    The line for a pass is the same in every run, so that a lesson's check can compare it.
    """
    if verdict.outcome == outcome:
        print(f"PASS {name}: {outcome}")
    else:
        print(f"NOT AS EXPECTED {name}: {outcome} was foretold. Found {verdict}")
