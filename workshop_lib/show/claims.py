"""A table of claims: what was said, what the runs of this workshop say of it, and the figure.

Every verdict and every figure is worked out from recordings: a run that came out otherwise would
change its row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workshop_lib.meter.recording import Recording
from workshop_lib.show.bundle import show
from workshop_lib.show.tables import as_html, as_text

STORED = Path(__file__).resolve().parents[2] / "notebooks" / "recordings"

Runs = Mapping[str, Recording]


@dataclass(frozen=True)
class Claim:
    """A claim of a lesson; `holds` and `figure` look at the recordings that `runs` names.

    `right` and `wrong` are the verdict's words for either case.
    """

    lesson: str
    says: str
    runs: tuple[str, ...]
    holds: Callable[[Runs], bool]
    figure: Callable[[Runs], str]
    right: str = "right"
    wrong: str = "wrong"

    def judged(self, own: Runs) -> "Row":
        """Judge it by `own` runs, by name, and else by those stored with the lessons."""
        runs = {name: own.get(name) or _stored(name) for name in self.runs}
        verdict = self.right if self.holds(runs) else self.wrong
        source = "yours" if own.keys() & runs.keys() else "stored"
        return Row(self.lesson, self.says, verdict, self.figure(runs), source)


@dataclass(frozen=True)
class Row:
    """One claim, judged; `source` tells whose run it rests on."""

    lesson: str
    says: str
    verdict: str
    figure: str
    source: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.says}"


def show_claims(claims: Sequence[Claim], own: Runs | None = None) -> list[Row]:
    """Show the claims as a table, and return its rows; `own` are your runs, by name."""
    rows = [claim.judged(own or {}) for claim in claims]
    head = ("lesson", "claim", "our verdict", "measured", "run")
    cells = [(row.lesson, row.says, row.verdict, row.figure, row.source) for row in rows]
    show(as_html(head, cells), as_text(head, cells))
    return rows


@cache
def _stored(name: str) -> Recording:
    return Recording.load(STORED / f"{name}.json")
