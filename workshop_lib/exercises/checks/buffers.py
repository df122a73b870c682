"""Are the buffers so small that a stalled reader is felt at once?"""

from typing import Any

from servers import step2_fixed
from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.trial import experiment_on
from workshop_lib.experiment import Buffers
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.verdict import judge

TOKENS_PER_S = 150.0
SECONDS = 3.6
MOST_PRODUCED_TOKENS = 180
LEAST_SHARE = 0.95


async def judge_buffers(attempt: Any) -> str:
    if not isinstance(attempt, Buffers):
        raise NotYet(f"The check got {attempt!r}. Give it Buffers(...).")
    for name, asked in vars(attempt).items():
        if not isinstance(asked, int) and not (asked is None and name == "high_water"):
            raise NotYet(f"{name} is {asked!r}. Give a whole number of bytes.")
        if asked is not None and asked < 0:
            raise NotYet(f"{name} is {asked}. Give 0 or more bytes.")
    recording = await experiment_on(
        step2_fixed.chat,
        readers=4,
        mix={"stalled": 3, "steady": 1},
        tokens_per_s=TOKENS_PER_S,
        seconds=SECONDS,
        buffers=attempt,
    )
    stalled = [stream for stream in recording.streams if stream.habit == "stalled"]
    worst = max(stalled, key=lambda stream: stream.produced_tokens)
    if judge(recording).outcome != "bounded" or worst.produced_tokens >= MOST_PRODUCED_TOKENS:
        raise NotYet(_where_they_wait(worst))
    steady = next(stream for stream in recording.streams if stream.habit == "steady")
    got = f"{steady.received_tokens:,} of the {steady.produced_tokens:,} tokens made for it"
    if steady.received_tokens < steady.produced_tokens * LEAST_SHARE:
        raise NotYet(f"The steady reader got only {got}. Give it more room.")
    return (
        f"The LLM stopped after {worst.produced_tokens:,} tokens for a stalled reader, and the "
        f"steady one got {got}."
    )


def _where_they_wait(worst: StreamLedger) -> str:
    said = f"The LLM produced {worst.produced_tokens:,} tokens for a stalled reader"
    if worst.kernel_bytes is None or worst.llm_tokens is None:
        return f"{said}. Make the buffers smaller, at both ends of the server."
    buffered = worst.write_buffer_bytes or 0
    if buffered > worst.kernel_bytes:
        advice = "The server's own write buffer holds most: what is its high-water mark?"
    elif not worst.llm_tokens:
        advice = "The server has not had to wait yet: begin with the sockets towards the reader."
    else:
        advice = "Both ends count, and each socket has a buffer to send from and one to receive to."
    return (
        f"{said}; at most {MOST_PRODUCED_TOKENS - 1} are wanted. {worst.llm_tokens} of them wait "
        f"between the LLM and the server ({worst.llm_bytes:,} bytes), {buffered:,} bytes in the "
        f"server's write buffer, {worst.kernel_bytes:,} bytes between it and the reader. {advice}"
    )
