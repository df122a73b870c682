"""Does each of the ten cases have its true cause? Each wrong one gets what excludes it."""

from typing import Any

from workshop_lib.cases.case import CASES
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.diagnosis import diagnose
from workshop_lib.cases.evidence import evidence_of
from workshop_lib.cases.examination import examined
from workshop_lib.exercises.contract import NotYet


async def judge_causes(attempt: Any) -> str:
    named = _named(attempt)
    findings = [
        (seen.case.letter, diagnose(seen.case, named[seen.case.letter], evidence_of(seen)))
        for seen in await examined("".join(named))
    ]
    wrong = [f"{letter}: {finding.text}" for letter, finding in findings if not finding.right]
    right, missing = len(findings) - len(wrong), [one for one in CASES if one not in named]
    if wrong:
        told = "\n".join(wrong)
        raise NotYet(f"{right} of {len(CASES)} are right.\n{told}")
    if missing:
        raise NotYet(f"{right} of {len(CASES)} are right. Name a cause for {', '.join(missing)}.")
    return f"All {right} causes are right; each other one is excluded by a measurement of yours."


def _named(attempt: Any) -> dict[str, str]:
    """Read a line a case, such as "A: compression"; blank ones are passed over."""
    if not isinstance(attempt, str):
        raise NotYet(f"The check got {attempt!r}. Give it a text, with a line for each case.")
    named: dict[str, str] = {}
    for line in attempt.split("\n"):
        letter, _, cause = (part.strip() for part in line.partition(":"))
        if letter and letter not in CASES:
            raise NotYet(
                f"No case is called {letter!r}. Begin a line with one of {_listed(CASES)}."
            )
        if cause and cause not in CAUSES:
            raise NotYet(f"No cause is called {cause!r}. Take one of {_listed(CAUSES)}.")
        if cause:
            named[letter] = cause
    return named


def _listed(names: Any) -> str:
    return ", ".join(names)
