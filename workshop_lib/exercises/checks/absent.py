"""Does the LLM stop for readers who leave at a bad moment, and does everybody else get it all?"""

from typing import Any, NamedTuple

from workshop_lib.exercises.checks.answers import (
    check_whole,
    in_the_end,
    told_of_a_cut,
    until_ended,
)
from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.trial import Trial, serving, within
from workshop_lib.experiment import Buffers
from workshop_lib.pipe.crowd import Crowd

LEAVERS = 3
NET_S = 3.0
LOOK_S = 0.5
LATE_S = 1.5
ANSWER_TOKENS = 600
FAULT_AT = 30
HELD_LOOKS = 16
HEALTHY = {
    "tokens_per_s": 0.0, "answer_tokens": ANSWER_TOKENS, "fault": "", "fault_at": 0,
    "first_token_s": 0.0,
}  # fmt: skip


class Moment(NamedTuple):
    """When readers leave: in words, by which habit, and what the LLM does then."""

    when: str
    habit: str
    knobs: dict[str, Any]


AT_FIRST = Moment("before the LLM's first token", "leaver:0", {"fault": "silence"})
IN_SILENCE = Moment(
    "while the LLM was silent in mid-answer", "leaver:5", {"fault": "silence", "fault_at": 5}
)
FLOWING = Moment(
    "while tokens flowed", "leaver:10", {"tokens_per_s": 100.0, "answer_tokens": 100_000}
)
WAITING = Moment(
    "while the writer waited for room", "stalled", {"tokens_per_s": 500.0, "answer_tokens": 100_000}
)


async def judge_race(attempt: Any) -> str:
    """Judge a handler that has to notice its reader's leave while the LLM is silent."""
    with serving(attempt, Buffers(), answer_tokens=ANSWER_TOKENS, tokens_per_s=0) as trial:
        trial.llm.set(first_token_s=LATE_S)
        with Crowd(trial.url, 2) as crowd:
            await until_ended(crowd, trial)
            for row in crowd.rows():
                check_whole(
                    row,
                    f"A reader who waited {LATE_S} s for the first token",
                    ANSWER_TOKENS,
                    "A slow LLM is no reason to end an answer: only the reader's leave is one.",
                )
        await _learn_of_a_cut(trial)
        for moment in (AT_FIRST, IN_SILENCE, FLOWING):
            await _leave(trial, moment)
    return _found((AT_FIRST, IN_SILENCE, FLOWING))


async def judge_room(attempt: Any) -> str:
    """Judge a handler that must not wait for room alone."""
    with serving(attempt, Buffers(), answer_tokens=ANSWER_TOKENS, tokens_per_s=0) as trial:
        mix = {"freezer:10:1": 1, "steady": 1}
        with Crowd(trial.url, 2, mix, rcvbuf=Buffers().reader_rcvbuf) as crowd:
            await until_ended(crowd, trial)
            for row in crowd.rows():
                paused = "freezer" in row.habit
                check_whole(
                    row,
                    "The reader who paused for a second" if paused else "A steady reader",
                    ANSWER_TOKENS,
                    "Who pauses has not left: wait for room as long as the reader is there.",
                )
        await _learn_of_a_cut(trial)
        for moment in (WAITING, FLOWING):
            await _leave(trial, moment)
    return _found((WAITING, FLOWING))


async def _learn_of_a_cut(trial: Trial) -> None:
    trial.llm.set(**HEALTHY)
    row, told = await told_of_a_cut(trial, FAULT_AT)
    if not told:
        raise NotYet(
            f"The LLM's connection was cut after {FAULT_AT} tokens. The reader got {row.tokens} "
            f"and then {in_the_end(row)}. It has to get the error event, as from the starter."
        )


async def _leave(trial: Trial, moment: Moment) -> None:
    """Let readers leave at a moment, and count the LLM's streams that stay open."""
    trial.llm.set(**HEALTHY | moment.knobs)
    with Crowd(trial.url, LEAVERS, {moment.habit: 1}, rcvbuf=Buffers().reader_rcvbuf) as crowd:
        if moment is WAITING:
            await _until_held_back(trial)
        else:
            await within(NET_S, lambda: {row.state for row in crowd.rows()} == {"left"})
    if await within(NET_S, lambda: trial.llm.totals().open == 0):
        return
    trial.guard.raise_problem()
    left_open, produced = trial.llm.totals().open, _produced(trial)
    found = f"{LEAVERS} readers left {moment.when}; the LLM still answers {left_open} of them. "
    if await within(LOOK_S, lambda: _produced(trial) > produced):
        raise NotYet(
            f"{found}Your handler takes tokens for nobody, one after the other: what fails when "
            "the reader has gone has to end it."
        )
    if trial.guard.tasks:
        raise NotYet(
            f"{found}Your handler still waits{trial.guard.waiting()}, and nobody tells it that "
            "its reader has gone."
        )
    raise NotYet(
        f"{found}Your handler has ended, and left its stream open: close it on every way out, as "
        "`async with` does."
    )


async def _until_held_back(trial: Trial) -> None:
    """Wait until the LLM has been made to stop for readers that read nothing."""
    looks: list[int] = []

    def held() -> bool:
        looks.append(_produced(trial))
        return len(looks) > HELD_LOOKS and 0 < looks[-1] == looks[-HELD_LOOKS]

    if not await within(2 * NET_S, held):
        trial.guard.raise_problem()
        raise NotYet(
            f"The LLM produced {looks[-1]:,} tokens for {LEAVERS} readers who read nothing, and "
            "went on. Keep the queue's bound: a writer has to wait for room, and not for ever."
        )


def _produced(trial: Trial) -> int:
    """Count the tokens of the streams that the LLM has open."""
    return sum(row.tokens for row in trial.llm.ledger().streams if row.ended_s is None)


def _found(moments: tuple[Moment, ...]) -> str:
    when = ", ".join(moment.when for moment in moments)
    return (
        f"{LEAVERS} readers left at each of {len(moments)} moments ({when}), and the LLM answers "
        f"none of them any more. Whoever stayed got all {ANSWER_TOKENS} tokens, and learned of a "
        "broken answer."
    )
