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
        (lesson.title, *(_cell(exercise, so_far) for exercise in lesson.exercises))
        for lesson in found
    ]
    most = max(map(len, rows))
    head = ["lesson", "exercises", *[""] * (most - 2)]
    show_table(head, [(*row, *[""] * (most - len(row))) for row in rows], _note(found, so_far))


def _lesson(name: str) -> Lesson:
    module = importlib.import_module(f"{exercises.__name__}.{name}")
    (notebook,) = NOTEBOOKS.glob(f"{name[-2:]}_*.ipynb")
    return Lesson(notebook, tuple(v for v in vars(module).values() if isinstance(v, Exercise)))


def _cell(exercise: Exercise, so_far: set[str]) -> str:
    return f"{'✓' if exercise.name in so_far else '○'} {exercise.name}"


def _note(found: list[Lesson], so_far: set[str]) -> str:
    left = [
        (lesson, exercise)
        for lesson in found
        for exercise in lesson.exercises
        if exercise.name not in so_far
    ]
    total = sum(len(lesson.exercises) for lesson in found)
    said = f"{total - len(left)} of {total} exercises are done. "
    if not left:
        return said + "That is all of them: take the servers, the hook and the card home."
    lesson, exercise = left[0]
    minutes = sum(
        lesson.minutes for lesson in {lesson.notebook: lesson for lesson, _ in left}.values()
    )
    return (
        f"{said}Next: {exercise.name}, in lesson {lesson.title}. "
        f"The lessons that are left take about {minutes} min to read and to run."
    )
