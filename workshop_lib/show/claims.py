"""A table of claims: what was said, what the runs of this workshop say of it, and the figure.

Verdicts and figures are worked out from recordings: a run that came out otherwise would change its
row. What no run of ours can judge is cited, with its source and the day on which it was read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workshop_lib.meter.page_run import PageRun
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.eight_streams import Timeline
from workshop_lib.show.bundle import show
from workshop_lib.show.tables import as_html, as_text

STORED = Path(__file__).resolve().parents[2] / "notebooks" / "recordings"

# Recordings, runs of a page, timelines: a claim knows of which kind its own are.
Runs = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A claim of a lesson; `holds` and `figure` look at the recordings that `runs` names.

    `right` and `wrong` are the verdict's words for either case. One that is worked out without a
    run says `by` what.
    """

    lesson: str
    says: str
    runs: tuple[str, ...]
    holds: Callable[[Runs], bool]
    figure: Callable[[Runs], str]
    right: str = "right"
    wrong: str = "wrong"
    by: str = ""

    def judged(self, own: Runs) -> "Row":
        """Judge it by `own` runs, by name, and else by those stored with the lessons."""
        runs = {name: own.get(name) or _stored(name) for name in self.runs}
        verdict = self.right if self.holds(runs) else self.wrong
        whose = "yours" if own.keys() & runs.keys() else "stored"
        source = self.by or f"{', '.join(runs)} ({whose})"
        return Row(self.lesson, self.says, verdict, self.figure(runs), source)


READ = "2026-11-25"


@dataclass(frozen=True)
class Cited:
    """A claim that rests on what is written elsewhere, at `source`; on `read` it was there.

    What another lesson shows needs no day.
    """

    lesson: str
    says: str
    verdict: str
    found: str
    source: str
    read: str = READ

    def judged(self, _: Runs) -> "Row":
        """Return its row, the same in each run."""
        source = f"{self.source} ({self.read})" if self.read else self.source
        return Row(self.lesson, self.says, self.verdict, self.found, source)


@dataclass(frozen=True)
class Row:
    """One claim, judged; `source` tells what it rests on, and whose run that is."""

    lesson: str
    says: str
    verdict: str
    figure: str
    source: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.says}"


def show_claims(claims: Sequence[Claim | Cited], own: Runs | None = None) -> list[Row]:
    """Show the claims as a table, and return its rows; `own` are your runs, by name."""
    rows = [claim.judged(own or {}) for claim in claims]
    head = ("lesson", "claim", "our verdict", "found", "by")
    cells = [(row.lesson, row.says, row.verdict, row.figure, row.source) for row in rows]
    show(as_html(head, cells), as_text(head, cells))
    return rows


@cache
def _stored(name: str) -> Recording | PageRun | Timeline:
    path = STORED / f"{name}.json"
    if name.startswith("05_"):
        return PageRun.load(path)
    return Timeline.load(path) if name.startswith("07_over_") else Recording.load(path)
