"""Twelve incidents: their sources have a shape, and what is measured tells their servers apart."""

import asyncio
import re
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.mechanism import children
from workshop_lib.field_cases import gallery
from workshop_lib.field_cases.catalogue import INCIDENTS
from workshop_lib.field_cases.measuring import Examined, Found, Run
from workshop_lib.field_cases.running import Seen, see
from workshop_lib.pipe.express import express_server
from workshop_lib.show.code import difference

pytestmark = pytest.mark.measures

SERVERS = Path(__file__).resolve().parent.parent / "servers"
# One of each way to measure: all twelve are run in lesson 11, which says so of each.
QUICKLY = ("tee-hoards", "key-in-error")
SLOWLY = tuple(name for name in INCIDENTS if name not in QUICKLY)
SERVED_BEFORE = {"asked-again", "compressed"}  # by lessons 09 and 08


@pytest.fixture(scope="module")
def node() -> None:
    express_server("step2_fixed")  # installs what the one in Express needs


def told_apart(seen: list[Seen]) -> None:
    wrong = [(one.incident.name, one.broken[:2], one.repaired[:2]) for one in seen
             if not one.as_told]  # fmt: skip
    assert wrong == []


async def test_the_broken_version_is_found_sick_and_the_repaired_one_healthy() -> None:
    threads = set(threading.enumerate())
    told_apart(await see(*QUICKLY))
    left = {one for one in threading.enumerate() if not one.name.startswith("asyncio_")} - threads
    assert left == set()
    assert not children()


@pytest.mark.long
@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("name", SLOWLY)
async def test_so_are_all_the_others(name: str) -> None:
    told_apart(await see(name))


async def test_an_interrupt_leaves_nothing() -> None:
    running = asyncio.create_task(see("tee-hoards", "key-in-error"))
    while len(children()) < 2:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not children()
    assert [
        one for one in threading.enumerate() if one.name.startswith(("incident", "server"))
    ] == []


@pytest.mark.parametrize("name", INCIDENTS)
def test_a_source_is_a_thread_of_a_public_tracker(name: str) -> None:
    cited = INCIDENTS[name].cited
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", cited.repository)
    assert cited.number > 0
    assert len(cited.title) > 15
    assert cited.url == f"https://github.com/{cited.repository}/{cited.kind}/{cited.number}"


def test_there_are_twelve_with_sources_and_words_of_their_own() -> None:
    cases = INCIDENTS.values()
    assert len(INCIDENTS) == len({str(one.cited) for one in cases}) == 12
    assert not [one.name for one in cases if one.cited.title in one.symptom]
    assert len({one.symptom for one in cases}) == len({one.cure for one in cases}) == 12
    assert len(INCIDENTS.keys() - SERVED_BEFORE) >= 8


def test_every_judge_has_a_case() -> None:
    instruments = Counter(one.measurement.instrument for one in INCIDENTS.values())
    assert set(instruments) >= {
        "verdict.judge",
        "leaving.judge_leaving",
        "arriving.judge_end",
        "arriving.judge_arrival",
        "returning.judge_return",
        "sharing.judge_shares",
        "doctor: integrity",
    }


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_two_versions_differ_in_the_lines_that_are_shown(name: str) -> None:
    incident = INCIDENTS[name]
    assert isinstance(incident.measurement, Run | Examined)
    _, text = difference(*incident.pair.shown)
    title, *lines = text.splitlines()
    assert title.startswith("servers/")
    changed = [line for line in lines if line.startswith(("+", "-"))]
    assert 2 <= len(changed) <= 20 or name in SERVED_BEFORE


def test_every_server_of_the_folder_is_in_the_catalogue() -> None:
    here = {path.stem for path in (SERVERS / "field_cases").glob("*.py")} - {"__init__", "alone"}
    shown = {difference(*one.pair.shown)[1].splitlines()[0] for one in INCIDENTS.values()}
    assert not [name for name in here if not any(f"/{name}.py" in title for title in shown)]


async def test_a_case_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"No case is called 'magic'\. Take one of tee-hoards, "):
        await see("magic")


def test_confirm_says_what_was_found_instead(capsys: pytest.CaptureFixture[str]) -> None:
    tee = INCIDENTS["tee-hoards"]
    sick, healthy = Found("growing", "it grew."), Found("bounded", "it stopped.")
    gallery.confirm([Seen(tee, sick, healthy), Seen(tee, healthy, healthy)])
    passed, failed = capsys.readouterr().out.splitlines()
    assert passed == "PASS tee-hoards: growing, and bounded when repaired"
    assert failed.startswith(
        "NOT AS EXPECTED tee-hoards: growing, and bounded when repaired was foretold. "
        "Found bounded (it stopped.), and bounded (it stopped.) "
    )
