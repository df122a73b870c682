"""The report for programs: JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop_lib.doctor.finding import Diagnosis


@dataclass(frozen=True)
class Report:
    """What was examined, how it was asked, and what came of it."""

    target: str
    asking: str
    framework: str
    mode: str
    sick: bool
    diagnoses: Sequence[Diagnosis]


def as_json(report: Report) -> str:
    """Write a report as JSON; it has the same words as the others."""
    probes = [_probe(one) for one in report.diagnoses]
    head = {name: getattr(report, name) for name in ("target", "asking", "framework", "mode")}
    return json.dumps({**head, "sick": report.sick, "probes": probes}, indent=2)


def _probe(one: Diagnosis) -> dict[str, Any]:
    return {
        "id": one.probe.id,
        "title": one.probe.title,
        "verdict": one.verdict,
        "severity": one.probe.severity,
        "evidence": one.finding.evidence,
        "note": one.finding.note,
        "figures": dict(one.finding.figures),
        "remedy": one.remedy,
        "how": one.probe.how,
        "fooled_by": one.probe.fooled_by,
        "seconds": round(one.seconds, 1),
    }
