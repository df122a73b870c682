"""What an answer has cost the page that showed it, commit by commit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple


class Commit(NamedTuple):
    """One time that the page showed more, or all, of the answer.

    `work_ms` is rendering, the changes to the document and the layout asked for; `parsed` counts
    characters of Markdown; `dropped_frames` those of the run until then.
    """

    characters: int
    work_ms: float
    parsed: int
    dropped_frames: int


class Stretch(NamedTuple):
    """A part of the answer that came token by token: its commits, and what they cost."""

    characters: int
    commits: Sequence[Commit]

    @property
    def work_ms(self) -> float:
        """The median of a commit."""
        return median(commit.work_ms for commit in self.commits)

    @property
    def most_parsed(self) -> int:
        """The most characters that one commit has parsed."""
        return max(commit.parsed for commit in self.commits)


@dataclass(frozen=True)
class PageRun:
    """An answer shown in one `mode`, one way to show it.

    `where` names the browser. `watched` says from and to which character the answer came token by
    token; between these stretches it came at once. `long_tasks` is None where the browser does not
    tell.
    """

    mode: str
    where: str
    watched: Sequence[Sequence[int]]
    characters: int
    chunks: int
    dropped_frames: int
    longest_frame_ms: float
    long_tasks: int | None
    commits: Sequence[Commit]

    @property
    def stretches(self) -> list[Stretch]:
        """The watched parts; to the last of them belongs the commit that ends the answer."""
        return [self._stretch(begin, end) for begin, end in self.watched]

    @property
    def dropped_at_the_end(self) -> int:
        """The frames that fell out from the last stretch's first commit on, its ending included."""
        last = self.stretches[-1].commits
        return self.dropped_frames - last[0].dropped_frames if last else 0

    def _stretch(self, begin: int, end: int) -> Stretch:
        return Stretch(end, [commit for commit in self.commits if begin < commit.characters <= end])

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), separators=(",", ":")) + "\n")

    @classmethod
    def load(cls, path: Path) -> "PageRun":
        """Read what `save` has written."""
        stored = json.loads(path.read_text())
        return cls(**stored | {"commits": [Commit(*commit) for commit in stored["commits"]]})


def read_report(
    report: Mapping[str, Any], where: str, watched: Sequence[tuple[int, int]]
) -> PageRun:
    """Take what the page says of a run: react_client/src/page/report.ts."""
    return PageRun(
        mode=report["mode"],
        where=where,
        watched=watched,
        characters=report["characters"],
        chunks=report["chunks"],
        dropped_frames=report["droppedFrames"],
        longest_frame_ms=round(report["longestFrameMs"], 1),
        long_tasks=report.get("longTasks"),
        commits=[
            Commit(
                commit["characters"],
                round(commit["workMs"], 2),
                commit["parsed"],
                commit["droppedFrames"],
            )
            for commit in report["commits"]
        ],
    )
