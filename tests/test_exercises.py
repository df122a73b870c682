"""Every exercise: its starter, and each tempting wrong answer with its message.

That each solution is correct is seen in its own lesson: tests/solved.py.
"""

import asyncio
import gc
import inspect
import linecache
import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.mechanism import children
from tests.wrong_answers import lesson00 as wrong00
from tests.wrong_answers import lesson01 as wrong01
from tests.wrong_answers import lesson02 as wrong02
from tests.wrong_answers import lesson03 as wrong03
from tests.wrong_answers import lesson04 as wrong04
from tests.wrong_answers import lesson05 as wrong05
from tests.wrong_answers import lesson06 as wrong06
from tests.wrong_answers import lesson07 as wrong07
from tests.wrong_answers import lesson08 as wrong08
from tests.wrong_answers import lesson09 as wrong09
from tests.wrong_answers import lesson10 as wrong10
from tests.wrong_answers import lesson11 as wrong11
from tests.wrong_answers import lesson12 as wrong12
from workshop_lib.exercises import lesson00, lesson01, lesson12
from workshop_lib.exercises.checks import minutes
from workshop_lib.exercises.contract import Exercise, NotYet, Result
from workshop_lib.exercises.overview import lessons
from workshop_lib.experiment import Buffers
from workshop_lib.show.units import shorten

pytestmark = pytest.mark.measures

EXERCISES = {exercise.name: exercise for lesson in lessons() for exercise in lesson.exercises}
WRONG: dict[str, dict[Any, str]] = {
    "number_the_tokens": wrong00.NUMBERS,
    "make_the_llm_break_off": wrong00.MODELS,
    "a_load_test_that_tells": wrong01.LOAD_TESTS,
    "how_long_would_the_demo_run": wrong01.NO_MINUTES,
    "bound_the_queue": wrong02.QUEUES,
    "choose_the_buffers": wrong02.BUFFERS,
    "race_the_leave": wrong03.RACES,
    "find_the_wait_that_nothing_ends": wrong03.ROOMS,
    "repair_the_splitter": wrong04.SPLITTERS,
    "make_the_end_honest": wrong04.ENDINGS,
    "lose_no_token": wrong05.BATCHERS,
    "find_where_a_block_ends": wrong05.BLOCKS,
    "write_the_alarm": wrong06.ALARMS,
    "choose_the_load": wrong06.LOADS,
    "choose_the_header": wrong07.HEADERS,
    "place_the_heartbeat": wrong07.HEARTBEATS,
    "set_a_budget": wrong07.BUDGETS,
    "name_the_causes": wrong08.CAUSES,
    "tell_bursts": wrong08.BURSTS,
    "go_on_after_a_cut": wrong09.REQUESTS,
    "choose_the_longest_answer": wrong09.LENGTHS,
    "find_the_repair": wrong10.REPAIRS,
    "gate_the_deployment": wrong10.GATES,
    "match_the_tickets": wrong11.MATCHES,
    "keep_characters_whole": wrong11.TEXTS,
    "close_the_tickets": wrong12.QUICK,
}


AT_ONCE = 3

Answers = dict[tuple[str, Any], Future[Result]]


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest) -> Iterator[Answers]:
    """Check the attempts that are asked for, a few at once, for most of a check is waiting.

    Whatever an attempt does, no thread, process or listening socket outlives the checks.
    """
    threads, process = set(threading.enumerate()), psutil.Process()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORKSHOP_PACE", "quick")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield {
                (name, _key(attempt)): pool.submit(_check, EXERCISES[name], attempt)
                for name, attempt in _asked_for(request.session.items)
            }
    gc.collect()
    assert set(threading.enumerate()) - threads == set()
    assert not children()
    assert [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN] == []


def _asked_for(items: Iterable[pytest.Item]) -> Iterator[tuple[str, Any]]:
    """Give the attempts of this run's tests, in their order."""
    for item in items:
        if isinstance(item, pytest.Function) and item.obj is test_wrong_answer:
            yield str(item.callspec.params["name"]), item.callspec.params["attempt"]


def _check(exercise: Exercise, attempt: Any) -> Result:
    return asyncio.run(exercise.check(attempt))


def _put_in_a_cell(code: str, name: str, namespace: dict[str, Any]) -> None:
    """Run code as a notebook does: its source can be looked up by the name of the cell."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec"), namespace)


def _key(attempt: Any) -> Any:
    """Return what tells an attempt from others: a dictionary's text, for it cannot be a key."""
    return repr(attempt) if isinstance(attempt, dict) else attempt


def _label(value: Any) -> str:
    return getattr(value, "__name__", None) or shorten(str(value), 40)


@pytest.mark.parametrize("name", EXERCISES)
async def test_untouched_starter(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    exercise = EXERCISES[name]
    result = await exercise.check(exercise.starter)
    assert result.outcome == "not tried yet"
    assert capsys.readouterr().out == f"{result}\n"
    assert str(result).splitlines()[0] == f"not tried yet: {name}"


FAULTS = {
    "race_the_leave": r"still answers 3 of them\. Your handler still waits",
    "find_the_wait_that_nothing_ends": r"still answers 3 of them\. Your handler still waits",
    "repair_the_splitter": r"«CR ends a line» .* and your function \[\]\.",
    "lose_no_token": r"^200 of 400 tokens reached the screen; the first that is missing is #4\.",
    "find_where_a_block_ends": r"inside of a piece of code, .* A blank line between two fences",
    "choose_the_header": r"in lumps: something new had come at \d+ of \d+ looks\.",
    "place_the_heartbeat": "^0 heartbeats came in the .* and 0 after it",
    "set_a_budget": r"^greedy got [\d,]+ tokens, and 300 are allowed",
    "tell_bursts": r"^It calls this bursts: ",
    "go_on_after_a_cut": r"'done'\) your function sends POST /chat\. There the answer is whole",
    "gate_the_deployment": r"^A server without heartbeats: your gate is closed by heartbeat, ",
    "keep_characters_whole": r"is due: its bytes .* came in two reads\. Keep the first part\.",
    "make_the_end_honest": "the server said so in an error event; your user sees .* 'done' and ''",
}


@pytest.mark.parametrize("name", FAULTS)
async def test_the_starter_has_the_fault_that_is_to_be_found(name: str) -> None:
    with pytest.raises(NotYet, match=FAULTS[name]):
        await EXERCISES[name].judge(EXERCISES[name].starter)


@pytest.mark.parametrize(
    ("name", "attempt"),
    [(name, attempt) for name, wrong in WRONG.items() for attempt in wrong],
    ids=_label,
)
def test_wrong_answer(name: str, attempt: Any, answers: Answers) -> None:
    result = answers[name, _key(attempt)].result()
    found = re.sub(r"in line \d+ of", "in line {line} of", result.finding)
    assert result.outcome == "not yet"
    assert WRONG[name][attempt] in found
    assert "Traceback" not in found
    assert found.endswith((".", "?"))


async def test_the_line_that_a_message_names_is_the_learners_own() -> None:
    finding = (await EXERCISES["number_the_tokens"].check(wrong00.raises)).finding
    line = int(re.findall(r"in line (\d+) of", finding)[0])
    named = inspect.getsource(wrong00).splitlines()[line - 1]
    assert f"`{named.strip()}`" in finding


@pytest.mark.parametrize("factor", wrong01.MINUTES)
async def test_wrong_minutes(factor: float) -> None:
    result = await lesson01.how_long_would_the_demo_run.check(await _right_minutes() * factor)
    assert result.outcome == "not yet"
    assert wrong01.MINUTES[factor] in result.finding


@pytest.mark.parametrize("factor", [0.55, 1.9])
async def test_minutes_within_a_factor_of_two(factor: float) -> None:
    result = await lesson01.how_long_would_the_demo_run.check(await _right_minutes() * factor)
    assert result.outcome == "correct"


async def _right_minutes() -> float:
    return await minutes.kernel_takes() / 32 / 30 / 60


def test_every_exercise_has_three_wrong_answers_with_messages_of_their_own() -> None:
    for name, wrong in {**WRONG, "minutes": wrong01.MINUTES}.items():
        assert len(set(wrong.values())) >= (2 if name == "how_long_would_the_demo_run" else 3), name


@pytest.mark.parametrize("name", EXERCISES)
def test_hints_come_one_by_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    exercise = EXERCISES[name]
    exercise._shown = 0
    for number, hint in enumerate([*exercise.hints, exercise.hints[0]]):
        exercise.hint()
        said = capsys.readouterr().out
        assert said == f"hint {number % len(exercise.hints) + 1} of {len(exercise.hints)}: {hint}\n"
    exercise.hint(2)
    exercise.hint()
    exercise.hint(9)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("hint 2 of")
    assert said[1].startswith(f"hint {2 % len(exercise.hints) + 1} of")
    assert said[2] == f"There is no hint 9. Ask for one from 1 to {len(exercise.hints)}."
    assert len(exercise.hints) >= 3
    assert all(20 < len(hint) <= 200 for hint in exercise.hints)


@pytest.mark.parametrize("name", EXERCISES)
def test_code_shown_is_the_code_that_runs(
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)  # some code is in files, which a notebook finds beside itself
    exercise = EXERCISES[name]
    for code, show in ((exercise.starter, exercise.show), (exercise.answer, exercise.solution)):
        show()
        said = capsys.readouterr().out
        if inspect.isfunction(code):
            source = inspect.getsource(code)
            assert source.replace(code.__name__, exercise.starter.__name__) in said
        else:
            namespace: dict[str, Any] = {"Buffers": Buffers, "open_tickets": lesson12.open_tickets}
            exec(said.rpartition("\n\n")[2], namespace)
            assert namespace[exercise.variable] == code


async def test_a_starter_with_other_names_and_comments_is_still_untouched() -> None:
    copy = inspect.getsource(lesson00.my_chat).replace("my_chat", "his_chat")
    copy = copy.replace("    last = None\n", "    last   = None  # nothing yet\n")
    namespace: dict[str, Any] = {**vars(lesson00)}
    _put_in_a_cell(copy, "a cell", namespace)
    result = await lesson00.number_the_tokens.check(namespace["his_chat"])
    assert result.outcome == "not tried yet"
