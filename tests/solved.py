"""The lessons as their outputs say, and as somebody who solves them: python -m tests.solved 02.

A copy of each lesson is run from top to bottom in one kernel, at quick pace. nbval compares what
every cell shows, the check of the untouched starter too. Behind each check stand two cells more:
the solution in the starter's place, and its check, which has to find it correct.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

from workshop_lib.exercises.contract import Exercise
from workshop_lib.exercises.overview import NOTEBOOKS, lessons

CELL_TIMEOUT_S = 120
NBVAL = [
    *("-p", "nbval.plugin", "--nbval", "--nbval-current-env"),
    *(f"--nbval-cell-timeout={CELL_TIMEOUT_S}", "-p", "no:cacheprovider"),
]
# other plugins have nothing to do here, and take a second to import
NO_OTHERS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
AT_ONCE = 2


def main() -> int:
    """Run the lessons that the command line names by their digits, or all; return the status.

    One that fails beside another is run once more, with nothing beside it, and that decides.
    """
    wanted = tuple(sys.argv[1:] or [""])
    paths = [path for path in sorted(NOTEBOOKS.glob("[0-9]*")) if path.name.startswith(wanted)]
    with TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        copies = [Path(folder) / path.name for path in paths if path.suffix == ".ipynb"]
        for copy in copies:
            nbformat.write(solved(NOTEBOOKS / copy.name), copy)
        passed = list(pool.map(passes, copies))
        again = [copy for copy, well in zip(copies, passed, strict=True) if not well]
        return 0 if all(passes(copy) for copy in again) else 1


def passes(copy: Path) -> bool:
    """Run one lesson, print what pytest says of it, and tell whether it is as it should be."""
    # what is done here is not done by whoever runs this, nor asked of the LLM that they name
    own = NO_OTHERS | {"WORKSHOP_PACE": "quick", "WORKSHOP_PROGRESS": f"{copy}.progress"}
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_BASE_URL"} | own
    command = [sys.executable, "-m", "pytest", *NBVAL, "-q", str(copy)]
    run = subprocess.run(command, env=env, capture_output=True, text=True)
    print(copy.stem, run.stdout, run.stderr, flush=True)
    return run.returncode == 0


def solved(path: Path) -> NotebookNode:
    """Return a lesson with the solution of each of its exercises behind the starter's check."""
    notebook = nbformat.read(path, as_version=4)
    exercises = [one for lesson in lessons() if lesson.notebook == path for one in lesson.exercises]
    for exercise in exercises:
        (at,) = (n for n, cell in enumerate(notebook.cells) if _checks(cell, exercise))
        notebook.cells[at + 1 : at + 1] = _solution(exercise, notebook.cells[at].source)
    return notebook


def _solution(exercise: Exercise, check: str) -> list[NotebookNode]:
    """Make the cells that solve and check; a wrong outcome fails, though the figures may vary."""
    verdict = (
        f"_solved = {check.strip()}\n"
        'assert _solved.outcome == "correct", _solved\n'
        "assert any(map(str.isdigit, _solved.finding)), _solved"
    )
    ignored = {"tags": ["nbval-ignore-output"]}
    return [
        nbformat.v4.new_code_cell(exercise.solution_text),
        nbformat.v4.new_code_cell(verdict, metadata=ignored),
    ]


def _checks(cell: NotebookNode, exercise: Exercise) -> bool:
    return cell.cell_type == "code" and f"{exercise.name}.check(" in cell.source


if __name__ == "__main__":
    sys.exit(main())
