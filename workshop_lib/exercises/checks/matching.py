"""Is each ticket like the case that is named? What a case counts says why it is another one."""

from typing import Any

from workshop_lib.exercises.contract import NotYet
from workshop_lib.field_cases.catalogue import INCIDENTS
from workshop_lib.field_cases.tickets import TICKETS


async def judge_matches(attempt: Any) -> str:
    named = _named(attempt)
    wrong = [_why_not(number, case) for number, case in named.items()
             if case != TICKETS[number].case]  # fmt: skip
    right, missing = len(named) - len(wrong), [str(one) for one in TICKETS if one not in named]
    if wrong:
        told = "\n".join(wrong)
        raise NotYet(f"{right} of {len(TICKETS)} are right.\n{told}")
    if missing:
        raise NotYet(f"{right} of {len(TICKETS)} are right. Name a case for {', '.join(missing)}.")
    return f"All {right} are right. In lesson 12 you repair a server of each kind."


def _why_not(number: int, case: str) -> str:
    return (
        f"{number}: {case} is another one. What is counted there: {INCIDENTS[case].revealed}. "
        "Is that what this ticket is about?"
    )


def _named(attempt: Any) -> dict[int, str]:
    """Read a line a ticket, such as "1: tee-hoards"; blank ones are passed over."""
    if not isinstance(attempt, str):
        raise NotYet(f"The check got {attempt!r}. Give it a text, with a line for each ticket.")
    named: dict[int, str] = {}
    for line in attempt.split("\n"):
        number, _, case = (part.strip() for part in line.partition(":"))
        if number and number not in map(str, TICKETS):
            raise NotYet(f"There is no ticket {number!r}. Begin a line with one of 1 to 5.")
        if case and case not in INCIDENTS:
            raise NotYet(f"No case is called {case!r}. Take one of {', '.join(INCIDENTS)}.")
        if case:
            named[int(number)] = case
    return named
