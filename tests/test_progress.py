"""What is done is kept, what is next is said, and all of it can be forgotten."""

import re
from pathlib import Path

import pytest

from workshop_lib.exercises import overview, progress
from workshop_lib.exercises.contract import Exercise
from workshop_lib.exercises.files import FileExercise
from workshop_lib.exercises.lesson00 import make_the_llm_break_off, number_the_tokens
from workshop_lib.exercises.overview import lessons, show_progress

FIRST = "number_the_tokens"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(path))
    return path


async def test_a_correct_answer_is_kept_and_no_other():
    await number_the_tokens.check(number_the_tokens.starter)
    await make_the_llm_break_off.check("fake-llm?fault=cut&fault_at=3")
    assert progress.done() == set()
    await make_the_llm_break_off.check(make_the_llm_break_off.answer)
    assert progress.done() == {"make_the_llm_break_off"}


def test_what_is_next_is_said(capsys: pytest.CaptureFixture[str]):
    show_progress()
    said = capsys.readouterr().out
    total = sum(len(lesson.exercises) for lesson in lessons())
    assert f"0 of {total} exercises are done. Next: {FIRST}, in lesson 00 start here." in said
    progress.note(FIRST)
    show_progress()
    said = capsys.readouterr().out
    assert f"1 of {total} exercises are done. Next: make_the_llm_break_off," in said
    assert f"✓ {FIRST}" in said


def test_time_left_is_that_of_the_lessons_left(capsys: pytest.CaptureFixture[str]):
    *before, last = lessons()
    for lesson in before:
        for exercise in lesson.exercises:
            progress.note(exercise.name)
    show_progress()
    assert last.minutes > 0
    assert f"take about {last.minutes} min" in capsys.readouterr().out
    for exercise in last.exercises:
        progress.note(exercise.name)
    show_progress()
    assert "That is all of them" in capsys.readouterr().out


def times_beside(said: str) -> list[str]:
    """Return the column of times, lesson by lesson."""
    return re.findall(r"\| (\d+ min|done) +\|", said)


def test_each_lesson_says_its_time_until_it_is_done(capsys: pytest.CaptureFixture[str]):
    first, second, *_ = lessons()
    minutes = [f"{lesson.minutes} min" for lesson in (first, second)]
    for exercise, shown in zip(first.exercises, (minutes, ["done", minutes[1]]), strict=True):
        progress.note(exercise.name)
        show_progress()
        assert times_beside(capsys.readouterr().out)[:2] == shown


def test_the_time_left_is_the_sum_of_the_times_beside_the_lessons(
    capsys: pytest.CaptureFixture[str],
):
    for exercise in lessons()[3].exercises:
        progress.note(exercise.name)
    show_progress()
    said = capsys.readouterr().out
    left = [int(time.split()[0]) for time in times_beside(said) if time != "done"]
    assert len(left) == len(lessons()) - 1
    assert f"take about {sum(left)} min" in said


def things_to_do(exercise: Exercise) -> int:
    """Returns how many there are in an exercise: in the final test, each file is one."""
    return len(exercise.starter) if isinstance(exercise, FileExercise) else 1


def test_every_lesson_has_a_notebook_two_exercises_and_a_time():
    for lesson in lessons():
        assert sum(map(things_to_do, lesson.exercises)) >= 2, lesson.title
        assert lesson.minutes > 0, lesson.title


@pytest.mark.parametrize("text", ["", "{", "[]", '{"done": 1}'])
def test_a_damaged_file_is_no_obstacle(kept: Path, text: str):
    kept.write_text(text)
    assert progress.done() == set()
    progress.note(FIRST)
    assert progress.done() == {FIRST}


def test_where_nothing_can_be_written_nothing_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", "/dev/null/progress.json")
    progress.note(FIRST)
    assert progress.done() == set()


def test_all_can_be_forgotten(kept: Path, capsys: pytest.CaptureFixture[str]):
    progress.note(FIRST)
    for _ in range(2):
        show_progress(reset=True)
        assert "0 of" in capsys.readouterr().out
    assert not kept.exists()


def test_the_usual_file_lies_beside_the_lessons_and_out_of_git(monkeypatch: pytest.MonkeyPatch):
    assert progress.USUAL.parent == overview.NOTEBOOKS
    ignored = (overview.NOTEBOOKS.parent / ".gitignore").read_text().splitlines()
    assert progress.USUAL.name in ignored
