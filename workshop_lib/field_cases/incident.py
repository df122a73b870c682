"""What an incident is: what people saw, where it is told, and a pair of servers with a judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from servers.common import Handler
from workshop_lib.field_cases.measuring import Measurement, Served
from workshop_lib.show.code import Code


@dataclass(frozen=True)
class Citation:
    """A thread of a public tracker: its title is quoted, what it tells is in our words."""

    repository: str
    number: int
    title: str
    kind: Literal["issues", "pull"] = "issues"

    @property
    def url(self) -> str:
        return f"https://github.com/{self.repository}/{self.kind}/{self.number}"

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True)
class Pair:
    """The two versions of a server, and where the lines stand in which they differ."""

    broken: Served
    repaired: Served
    shown: tuple[Code, Code]


@dataclass(frozen=True)
class Incident:
    """One case: `sick` and `healthy` are the outcomes that its `measurement` must come to.

    `cited` is where people told of it, `symptom` what they saw, `revealed` what it is that the
    measurement counts, `cure` one sentence on the repair.
    """

    name: str
    symptom: str
    cited: Citation
    revealed: str
    cure: str
    pair: Pair
    measurement: Measurement
    sick: str
    healthy: str


def functions(broken: Handler, repaired: Handler, *shown: Code) -> Pair:
    """Pair two handlers, which show their difference themselves, or in `shown`."""
    before, after = shown or (broken, repaired)
    return Pair(broken, repaired, (before, after))


def files(broken: Path, repaired: Path, command: Sequence[str]) -> Pair:
    """Pair two files that a command runs."""
    return Pair([*command, str(broken)], [*command, str(repaired)], (broken, repaired))
