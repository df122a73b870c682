"""Is the queue bounded, and does every answer still end as it should?"""

from typing import Any

from workshop_lib.exercises.checks.answers import (
    ENDED,
    QUIET_S,
    in_the_end,
    told_of_a_cut,
    until_ended,
)
from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.trial import Trial, experiment_on, serving, within
from workshop_lib.experiment import Buffers
from workshop_lib.pipe.crowd import Crowd, ReaderRow
from workshop_lib.verdict import judge

MOST_QUEUED_TOKENS = 200
ANSWER_TOKENS = 600
LEAVING_TIMEOUT_S = 3.0
FAULT_AT = 30
# what the SDK holds between its socket and the handler
SDK_TOKENS = 10


async def judge_queue(attempt: Any) -> str:
    with serving(attempt, Buffers(), answer_tokens=ANSWER_TOKENS, tokens_per_s=0) as trial:
        await _finish_answers(trial)
        await _break_off(trial)
    recording = await experiment_on(
        attempt, readers=4, mix={"stalled": 3, "steady": 1}, tokens_per_s=250.0, seconds=5.0
    )
    verdict = judge(recording)
    most = max(s.queued_tokens or 0 for s in recording.streams if s.habit == "stalled")
    if most > MOST_QUEUED_TOKENS + SDK_TOKENS:
        raise NotYet(
            f"{most:,} tokens wait in the server for one stalled reader, and the verdict is "
            f"{verdict.outcome}. A bound that is not reached is none: at most "
            f"{MOST_QUEUED_TOKENS} tokens a reader."
        )
    if verdict.outcome != "bounded" or recording.complaints:
        raise NotYet(" ".join([str(verdict), *recording.complaints]))
    return (
        f"{verdict}\nAt most {most} tokens wait for one reader; one who paused for a second got "
        f"all {ANSWER_TOKENS} tokens in order, and a broken answer ended with an error."
    )


async def _finish_answers(trial: Trial) -> None:
    """Let a reader pause and one stall until the others are done; then it leaves."""
    mix = {"freezer:10:1": 1, "steady": 1, "stalled": 1}
    with Crowd(trial.url, 3, mix, rcvbuf=Buffers().reader_rcvbuf) as crowd:
        await until_ended(crowd, trial)
        for row in crowd.rows():
            if row.habit != "stalled":
                _check_answer(row)
    if not await within(LEAVING_TIMEOUT_S, lambda: not trial.guard.tasks):
        raise NotYet(
            f"A reader stalled, and left; {LEAVING_TIMEOUT_S:.0f} s later a task of yours still "
            f"waits{trial.guard.waiting()}. Being cancelled must not make it wait for room again."
        )


def _check_answer(row: ReaderRow) -> None:
    who = "The reader who paused for a second" if "freezer" in row.habit else "A steady reader"
    got = f"{who} got {row.tokens:,} of {ANSWER_TOKENS:,} tokens"
    if row.in_order is not True:
        raise NotYet(
            f"{got}, and {row.in_order}. A full queue must not lose any: wait until there is room."
        )
    if row.state not in ENDED:
        raise NotYet(
            f"{got}, and then nothing for {QUIET_S:.0f} s. Something has to tell the loop "
            "that takes from the queue that nothing more will come."
        )
    if not row.complete or row.tokens < ANSWER_TOKENS:
        raise NotYet(
            f"{got}, and then: {row.error or 'the end, without [DONE]'}. Every token has to come."
        )


async def _break_off(trial: Trial) -> None:
    """Let the LLM's connection be cut: the reader has to learn of it."""
    row, told = await told_of_a_cut(trial, FAULT_AT)
    if not told:
        raise NotYet(
            f"The LLM's connection was cut after {FAULT_AT} tokens. The reader got {row.tokens} "
            f"and then {in_the_end(row)}. It has to get the error event: what ends the loop in "
            "read_llm when the LLM fails?"
        )
