"""An exercise whose starter is a folder of files, which the learner changes in an editor."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from workshop_lib.exercises.contract import Exercise

Files = tuple[tuple[str, str], ...]  # name and text


def read_files(folder: Path, names: list[str]) -> Files:
    """Return those files of a folder that are there, in the order of their names."""
    paths = [folder / name for name in sorted(names)]
    return tuple((path.name, path.read_text("utf-8")) for path in paths if path.is_file())


def write_missing(folder: Path, files: Files) -> None:
    """Put what is missing into a folder, and leave what a learner has there as it is."""
    folder.mkdir(exist_ok=True)
    for name, text in files:
        if not (folder / name).exists():
            (folder / name).write_text(text, "utf-8")


def difference(before: Files, after: Files) -> str:
    """Return what changes from one to the other, file by file."""
    pairs = zip(before, after, strict=True)
    return "\n".join(
        line
        for (name, old), (_, new) in pairs
        for line in difflib.unified_diff(
            old.splitlines(), new.splitlines(), name, f"{name}, repaired", n=1, lineterm=""
        )
    )


@dataclass
class FileExercise(Exercise):
    """`starts_with` and `solved_by` are the lines of a cell that make starter and answer."""

    to_try: ClassVar[str] = "Change a file, save it, and run the cell above and this cell again"

    starts_with: str = ""
    solved_by: str = ""

    @property
    def starter_text(self) -> str:
        """The line that a lesson's cell begins with."""
        return self.starts_with

    @property
    def solution_text(self) -> str:
        """The lines that put the answer in the starter's place."""
        return self.solved_by

    def solution(self) -> None:
        """Print what the answer changes in each file, and how to have it checked."""
        print(f"{difference(self.starter, self.answer)}\n\n{self.solution_text}")
