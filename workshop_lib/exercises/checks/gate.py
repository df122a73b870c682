"""Does a gate stop what it must, and let pass what it may? It is shown reports of the doctor."""

import json
from dataclasses import dataclass
from typing import Any

from workshop_lib.doctor.finding import Diagnosis, Finding, Verdict
from workshop_lib.doctor.probes import PROBES
from workshop_lib.doctor.reports.machine import Report, as_json
from workshop_lib.exercises.calling import call
from workshop_lib.exercises.contract import NotYet

REQUIRED = ["backpressure", "cancel_streaming", "completeness"]


@dataclass(frozen=True)
class Case:
    """A report, what has to stop it, and what a gate overlooks that decides otherwise."""

    of: str
    verdicts: dict[str, Verdict]
    stops: tuple[str, ...]
    advice: str
    left_out: str = ""


CASES = (
    Case("a server without a fault", {}, (), "Nothing is to stop it."),
    Case(
        "a server that hoards",
        {"backpressure": "sick", "memory": "sick"},
        ("backpressure", "memory"),
        "Both do harm, and `memory` is in no list: whatever is sick and does harm stops it.",
    ),
    Case(
        "a server without heartbeats",
        {"heartbeat": "sick", "proxy_headers": "sick"},
        (),
        "Their severity is advice, and advice stops nothing.",
    ),
    Case(
        "a server on a busy machine",
        {"backpressure": "unclear"},
        ("backpressure",),
        "Unclear is no proof: a probe that is required has to be proved.",
    ),
    Case(
        "a server that was examined in haste",
        {"heartbeat": "unclear", "stall_deadline": "unclear"},
        (),
        "Neither of them is required, so their being unclear stops nothing.",
    ),
    Case(
        "a server of plain text",
        {"completeness": "not_applicable"},
        (),
        "What is not applicable has nothing to be proved, and stops nothing.",
    ),
    Case(
        "a server examined with --skip backpressure",
        {},
        ("backpressure",),
        "A required probe that stands nowhere in the report has proved nothing.",
        left_out="backpressure",
    ),
)


async def judge_gate(attempt: Any) -> str:
    if not callable(attempt):
        raise NotYet(f"The check got {attempt!r}. Give it your function, without parentheses.")
    for case in CASES:
        stops = call(attempt, json.loads(as_json(report_of(case))), list(REQUIRED))
        if not isinstance(stops, list | tuple | set):
            raise NotYet(f"It returned {stops!r}. Let it return a list of ids, empty to let pass.")
        if set(stops) != set(case.stops):  # pyright: ignore[reportUnknownArgumentType]
            raise NotYet(
                f"{case.of.capitalize()}: your gate is closed by {_listed(stops)}, "  # pyright: ignore[reportUnknownArgumentType]
                f"and what must close it is {_listed(case.stops)}. {case.advice}"
            )
    return f"It decides rightly on {len(CASES)} reports of {len(PROBES)} probes each."


def report_of(case: Case) -> Report:
    """Return a report in which all is healthy but for the case's verdicts."""
    diagnoses = [
        Diagnosis(probe, Finding(case.verdicts.get(probe.id, "healthy"), ""), "", 0.0)
        for probe in PROBES
        if probe.id != case.left_out
    ]
    harm = [one for one in diagnoses if one.verdict == "sick" and one.probe.severity == "harm"]
    return Report(case.of, "POST /chat", "", "quick", bool(harm), diagnoses)


def _listed(names: Any) -> str:
    return ", ".join(sorted(map(str, names))) or "nothing"
