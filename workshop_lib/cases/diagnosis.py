"""Is a cause the true one? Judged by a run's evidence; a wrong one is told what excludes it."""

from typing import NamedTuple

from workshop_lib.cases.case import Case
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.evidence import Evidence
from workshop_lib.cases.remedies import REMEDIES


class Finding(NamedTuple):
    """What is to be said of a cause that somebody has named."""

    right: bool
    text: str


def diagnose(case: Case, name: str, evidence: Evidence) -> Finding:
    """Hold a cause against the evidence of a case. Raises ValueError for one that is not listed."""
    if name not in CAUSES:
        raise ValueError(f"No cause is called {name!r}. Take one of {', '.join(CAUSES)}.")
    cause, right = CAUSES[name], name == case.cause
    measured = cause.measured(evidence)
    if cause.holds(evidence) != right:
        again = f"Examine case {case.letter} again, when less else is running."
        return Finding(False, f"This run does not decide about {name}: {measured}. {again}")
    if not right:
        expected = f"Under that cause it would be: {cause.expected}."
        return Finding(False, f"{name} is excluded. Measured: {measured}. {expected}")
    remedy = REMEDIES[name]
    repair = f"The repair: {remedy.fix} ({remedy.repaired_in})."
    return Finding(True, f"{name} it is. Measured: {measured}. {repair}")


def fitting(evidence: Evidence) -> list[str]:
    """Name all causes that the evidence allows."""
    return [name for name, cause in CAUSES.items() if cause.holds(evidence)]
