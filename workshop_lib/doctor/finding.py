"""What a probe is, and what it finds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from workshop_lib.doctor.ward import Ward

Verdict = Literal["healthy", "sick", "unclear", "not_applicable"]
Lane = Literal["work", "silence", "stall"]
Severity = Literal["harm", "advice"]
Point = tuple[float, float, float]  # seconds, and the two figures that a chart compares


@dataclass(frozen=True)
class Finding:
    """A verdict and, in sentences, what it rests on; `figures` are the same in numbers.

    `note` is worth knowing and no part of the verdict. `trace` is what the report's chart shows.
    """

    verdict: Verdict
    evidence: str
    note: str = ""
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    trace: tuple[Point, ...] = ()
    axes: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Probe:
    """One question to a server.

    `how` says by what the verdict is reached and `fooled_by` what could make it wrong. `severity`
    is what being sick means: harm to readers or to the bill, or advice for life behind proxies.
    `harms` says that the server is started afresh after it. Probes of different lanes may run side
    by side, each lane on a server of its own: they wait more than they work.
    """

    id: str
    title: str
    how: str
    fooled_by: str
    run: "Callable[[Ward], Awaitable[Finding]]"
    severity: Severity = "harm"
    harms: bool = False
    lane: Lane = "work"


@dataclass(frozen=True)
class Diagnosis:
    """A finding with the probe that made it, and what to do about it."""

    probe: Probe
    finding: Finding
    remedy: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        return self.finding.verdict


def failing(diagnoses: Sequence[Diagnosis], strict: bool) -> list[Diagnosis]:
    """Return those that make a server sick: harm, and with `strict` what is advice as well."""
    sick = [one for one in diagnoses if one.verdict == "sick"]
    return [one for one in sick if strict or one.probe.severity == "harm"]
