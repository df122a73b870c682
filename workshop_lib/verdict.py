"""The judge: a pure function of a recording that counts tokens and never looks at a clock.

Bounded means that the LLM was made to stop, or to go at its readers' pace. That no memory grew
proves nothing: the kernel takes megabytes for each connection before the server notices.
"""

from dataclasses import dataclass
from typing import Literal

from workshop_lib.meter.recording import Gauges, Recording

Outcome = Literal["bounded", "growing", "unclear"]

# A reader is held back by its habit; a steady one without a limit is not.
HEALTHY = "steady"
FEWEST_SAMPLES = 12
# What moves between two gauges, or sits in the hands of an SDK, is not hoarding.
SLACK_TOKENS_PER_READER = 3
LEAST_SHARE_HOARDED = 0.2
MOST_SHARE_WHEN_SLOWED = 0.5


@dataclass(frozen=True)
class Verdict:
    """An outcome and, in a sentence, the tokens and bytes that it rests on."""

    outcome: Outcome
    evidence: str

    def __str__(self) -> str:
        return f"{self.outcome}: {self.evidence}"


def judge(recording: Recording) -> Verdict:
    """Compare the last third of a run with its first, for the readers that hold the pipe back."""
    habits = [habit for habit in recording.setup["mix"] if habit != HEALTHY]
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    if not habits:
        return Verdict("unclear", "every reader kept up. Add readers that stall.")
    if len(recording.samples) < FEWEST_SAMPLES:
        return Verdict("unclear", "the run was too short. Let it last longer.")
    thirds = [
        recording.samples[round(part * (len(recording.samples) - 1) / 3)].group(habits)
        for part in range(4)
    ]
    if not thirds[-1].received_tokens and recording.complaints:
        return Verdict("unclear", f"no token came through: {recording.complaints[0]}")
    return _judge(*thirds)


def _judge(start: Gauges, first: Gauges, second: Gauges, end: Gauges) -> Verdict:
    slack = SLACK_TOKENS_PER_READER * end.readers
    began = first.produced_tokens - start.produced_tokens
    lately = end.produced_tokens - second.produced_tokens
    in_flight_grew = end.in_flight_tokens - second.in_flight_tokens
    for_readers = f"for {end.readers:,} slow readers"
    if end.queued_tokens is not None and second.queued_tokens is not None:
        hoarded = end.queued_tokens - second.queued_tokens
        if hoarded > max(slack, lately * LEAST_SHARE_HOARDED):
            return Verdict(
                "growing",
                f"in the last third the LLM produced {lately:,} tokens {for_readers}, and the "
                f"server's own queues grew by {hoarded:,}, to {end.queued_tokens:,} tokens "
                f"({end.queued_bytes or 0:,} bytes on the wire).",
            )
    if lately <= slack:
        return Verdict(
            "bounded",
            f"the LLM was made to stop {for_readers}: {lately:,} tokens in the last third after "
            f"{began:,} in the first; {_held(end)}.",
        )
    if in_flight_grew <= slack and lately < began * MOST_SHARE_WHEN_SLOWED:
        return Verdict(
            "bounded",
            f"the LLM was slowed to its readers' pace {for_readers}: {lately:,} tokens in the last "
            f"third after {began:,} in the first; {_held(end)}.",
        )
    return Verdict("unclear", _why_unclear(end, lately, in_flight_grew, slack))


def _why_unclear(end: Gauges, lately: int, in_flight_grew: int, slack: int) -> str:
    if end.open < end.readers:
        ended = end.readers - end.open
        return f"{ended:,} of {end.readers:,} answers came to an end. Make them longer."
    if in_flight_grew <= slack:
        return "the readers kept up with the LLM. Let some of them stall."
    if end.queued_tokens is None:
        return "this system does not show the kernel's queues. Run it on Linux or macOS."
    return (
        f"the LLM produced {lately:,} tokens in the last third, and the sockets still took them "
        f"all; {_held(end)}. Make the socket buffers smaller, or the run longer."
    )


def _held(gauges: Gauges) -> str:
    if gauges.queued_tokens is None:
        return "what the server holds cannot be seen here"
    return (
        f"the server's own queues hold {gauges.queued_tokens:,} tokens "
        f"and its write buffers {gauges.write_buffer_bytes or 0:,} bytes"
    )


def expect(recording: Recording, outcome: Outcome) -> None:
    """Print PASS when a run came out as foretold; else what was found instead, with its evidence.

    The line for a pass is the same in every run, so that a lesson's check can compare it.
    """
    server, verdict = recording.setup["server"], judge(recording)
    if verdict.outcome == outcome:
        print(f"PASS {server}: {outcome}")
    else:
        print(f"NOT AS EXPECTED {server}: {outcome} was foretold. Found {verdict}")
