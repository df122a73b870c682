"""All exercises, lesson by lesson: what is done, what is next, and how long the rest takes."""

import importlib
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path

from workshop_lib import exercises
from workshop_lib.exercises.contract import Exercise
from workshop_lib.exercises.progress import done, forget
from workshop_lib.show.table import show_table

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
_TIMES = re.compile(r"\*Reading (\d+) min, running (?:under )?(\d+) min")


@dataclass(frozen=True)
class Lesson:
    """A notebook with its exercises, in their order."""

    notebook: Path
    exercises: tuple[Exercise, ...]

    @property
    def title(self) -> str:
        return self.notebook.stem.replace("_", " ")

    @property
    def minutes(self) -> int:
        """How long it takes to read and to run, as it says itself."""
        found = _TIMES.search(self.notebook.read_text())
        return sum(map(int, found.groups())) if found else 0

    def left(self, so_far: set[str]) -> list[Exercise]:
        """Return the exercises that are not among those done so far."""
        return [exercise for exercise in self.exercises if exercise.name not in so_far]


def lessons() -> list[Lesson]:
    """Find every lesson that has exercises."""
    names = sorted(module.name for module in pkgutil.iter_modules(exercises.__path__))
    return [_lesson(name) for name in names if re.fullmatch(r"lesson\d\d", name)]


def show_progress(*, reset: bool = False) -> None:
    """Show which exercises are done, and which one is next; `reset` forgets all of it first."""
    if reset:
        forget()
    so_far, found = done(), lessons()
    rows = [
        (lesson.title, _time(lesson, so_far), *(_cell(one, so_far) for one in lesson.exercises))
        for lesson in found
    ]
    most = max(map(len, rows))
    head = ["lesson", "time left", "exercises", *[""] * (most - 3)]
    show_table(head, [(*row, *[""] * (most - len(row))) for row in rows], _note(found, so_far))


def _lesson(name: str) -> Lesson:
    module = importlib.import_module(f"{exercises.__name__}.{name}")
    (notebook,) = NOTEBOOKS.glob(f"{name[-2:]}_*.ipynb")
    return Lesson(notebook, tuple(v for v in vars(module).values() if isinstance(v, Exercise)))


def _cell(exercise: Exercise, so_far: set[str]) -> str:
    return f"{'✓' if exercise.name in so_far else '○'} {exercise.name}"


def _time(lesson: Lesson, so_far: set[str]) -> str:
    return f"{lesson.minutes} min" if lesson.left(so_far) else "done"


def _note(found: list[Lesson], so_far: set[str]) -> str:
    total = sum(len(lesson.exercises) for lesson in found)
    ahead = [lesson for lesson in found if lesson.left(so_far)]
    open_ones = sum(len(lesson.left(so_far)) for lesson in ahead)
    said = f"{total - open_ones} of {total} exercises are done. "
    if not ahead:
        return said + "That is all of them: take the servers, the hook and the card home."
    first, minutes = ahead[0], sum(lesson.minutes for lesson in ahead)
    return (
        f"{said}Next: {first.left(so_far)[0].name}, in lesson {first.title}. "
        f"The lessons that are left take about {minutes} min to read and to run. "
        f"Their exercises ({open_ones}) come on top, and take as long as you like."
    )
