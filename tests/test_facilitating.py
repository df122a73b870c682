"""The facilitator's guide says of the lessons what they say themselves."""

import re

import nbformat
import pytest

from workshop_lib.exercises.overview import NOTEBOOKS, lessons

GUIDE = (NOTEBOOKS / "FACILITATING.md").read_text()
MOST_WORDS = 1_500
# A figure that was stored anew may differ by as much as one run does from the next.
LIKE = 0.25
FINAL_TEST = "12"


def below(title: str) -> str:
    """Return what stands below a title, up to the next."""
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows_under(title: str) -> list[list[str]]:
    """Return the cells of the table below a title, without its head."""
    lines = [line for line in below(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def measured(number: str) -> list[str]:
    """Return what a lesson's predictions are compared with, as it is stored."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    return [m[1] for text in texts if (m := re.match(r"Measured: ([^\n]+)", text))]


def figure(said: str) -> tuple[float, str]:
    """Split a figure from its unit."""
    number, _, unit = said.partition(" ")
    return float(number.replace(",", "")), unit


@pytest.mark.parametrize("number", [lesson.notebook.stem[:2] for lesson in lessons()])
def test_every_guess_stands_there_with_what_was_measured(number: str):
    told = [row[2] for row in rows_under("Guesses, and what was measured") if row[0] == number]
    stored = measured(number)
    assert len(told) == len(stored)
    assert stored or number == FINAL_TEST  # where nothing is foretold
    for said, found in zip(told, stored, strict=True):
        assert figure(said)[1] == figure(found)[1]
        assert figure(said)[0] == pytest.approx(figure(found)[0], rel=LIKE), (said, found)


def test_every_exercise_it_names_exists():
    names = {exercise.name for lesson in lessons() for exercise in lesson.exercises}
    told = [row[0].strip("`") for row in rows_under("Where people get stuck")]
    assert told and set(told) <= names


def test_its_timetables_name_lessons_and_never_go_back():
    for title in ("Half a day: the server", "A day: the whole way"):
        hours = [tuple(map(int, row[0].split(":"))) for row in rows_under(title)]
        assert hours == sorted(hours), title
    planned = {n for row in rows_under("A day: the whole way") for n in re.findall(r"\d\d", row[1])}
    later = set(re.findall(r"lesson\s(\d\d)", below("A day: the whole way"), re.IGNORECASE))
    assert planned | later == {lesson.notebook.stem[:2] for lesson in lessons()}


def test_it_is_short_and_its_links_lead_somewhere():
    assert len([word for word in GUIDE.split() if re.search(r"\w", word)]) <= MOST_WORDS
    for link in re.findall(r"\]\(([^)]+)\)", GUIDE):
        assert (NOTEBOOKS / link).exists(), link
