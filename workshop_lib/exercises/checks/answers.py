"""What checks on served handlers share: crowds that end, answers that are whole or say why not."""

from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.trial import Trial, within
from workshop_lib.pipe.crowd import Crowd, ReaderRow

ENDED = ("done", "failed")
QUIET_S = 3.0


async def until_ended(crowd: Crowd, trial: Trial) -> None:
    """Wait until all answers have ended, or no reader has got anything for `QUIET_S`."""

    def ended() -> bool:
        rows = [row for row in crowd.rows() if row.habit != "stalled"]
        return bool(trial.guard.problem) or all(row.state in ENDED for row in rows)

    def received() -> int:
        return sum(row.wire_bytes for row in crowd.rows())

    before = -1
    while before != received():
        before = received()
        if await within(QUIET_S, ended):
            break
    trial.guard.raise_problem()


async def told_of_a_cut(trial: Trial, fault_at: int) -> tuple[ReaderRow, bool]:
    """Cut the LLM's connection before a token; return the reader, and whether it was told."""
    trial.llm.set(fault="cut", fault_at=fault_at)
    with Crowd(trial.url, 1) as crowd:
        await until_ended(crowd, trial)
        row = crowd.rows()[0]
    told = row.state in ENDED and not row.complete and "llm_failed" in (row.error or "")
    return row, told


def in_the_end(row: ReaderRow) -> str:
    """Say how an answer ended for its reader."""
    return "[DONE]" if row.complete else row.error or "nothing"


def check_whole(row: ReaderRow, who: str, answer_tokens: int, advice: str) -> None:
    """Raise NotYet, with advice, unless a reader got the whole answer in order."""
    if row.in_order is not True:
        lost = f", and {row.in_order}"
    elif not row.complete or row.tokens < answer_tokens:
        lost = f", and then: {in_the_end(row).rstrip('.')}"
    else:
        return
    raise NotYet(f"{who} got {row.tokens:,} of {answer_tokens:,} tokens{lost}. {advice}")
