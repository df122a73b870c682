"""Several learners on one host: their work stays apart, verdicts are right, pages pass.

Five at once on two cores take four minutes: long.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.hub import PASSWORD, Hub, Learner, hub, logged_in
from tests.lab import ROOT, browser_page
from tests.test_lab import PATIENCE_MS, complaints, run_all_cells, stop_in_the_frame, wait_for
from workshop_lib.exercises.lesson00 import make_the_llm_break_off

pytestmark = [pytest.mark.long, pytest.mark.measures]

NAMES = ("ada", "bob", "cleo", "dan", "eve")
LESSON = "02_wait_for_the_socket.ipynb"
GUIDE = (ROOT / "notebooks" / ".jupyterhub" / "README.md").read_text()
LOOK_S = 2.0
# What each learner does besides the lesson: leave a file, and solve an exercise or leave it.
KEEP = "fixed.save('mine.json'); import os; print('HOME', os.environ['HOME'])"
SOLVE = (
    f"from workshop_lib.exercises.lesson00 import {make_the_llm_break_off.name} as one\n"
    "print(await one.check(one.answer))"
)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with hub(tmp_path_factory.mktemp("hub"), WORKSHOP_PACE="full") as running:
        yield running


def foretold(lesson: str) -> list[str]:
    """Return the verdicts that a lesson stores."""
    notebook = nbformat.read(ROOT / "notebooks" / lesson, as_version=4)
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    lines = "".join(output.get("text", "") for output in outputs).splitlines()
    return [line for line in lines if line.startswith("PASS")]


async def peak_bytes(at: Hub, name: str, until: "asyncio.Task[None]") -> int:
    """Return the most that a learner's processes took together while a task ran."""
    peak = 0
    while not until.done():
        peak = max(peak, await asyncio.to_thread(at.memory_bytes, name))
        await asyncio.wait({until}, timeout=LOOK_S)
    return peak


async def go_through(at: Hub, name: str) -> tuple[Learner, int]:
    """Let somebody log in and run the lesson; return them, and what that took of memory."""
    cells = [KEEP, *([SOLVE] if NAMES.index(name) % 2 else [])]
    async with logged_in(at, name) as learner:
        running = asyncio.create_task(learner.run(LESSON, cells))
        peak = await peak_bytes(at, name, running)
        await running
        return learner, peak


def progress(at: Hub, name: str) -> list[str]:
    kept = at.learners / name / "notebooks" / ".progress.json"
    return json.loads(kept.read_text())["done"] if kept.exists() else []


async def test_five_learners_at_once_get_the_right_verdicts_and_nothing_of_theirs_meets(
    team: Hub, record_property: Callable[[str, object], None]
):
    documented = re.search(r"up to (\d+) MB of memory for each learner", GUIDE)
    assert documented
    done = await asyncio.gather(*(go_through(team, name) for name in NAMES))
    assert {tuple(learner.verdicts) for learner, _ in done} == {tuple(foretold(LESSON))}
    for learner, peak in done:
        record_property(learner.name, peak)
        home = team.learners / learner.name
        assert f"HOME {home}\n" in "".join(learner.heard)
        assert (home / "notebooks" / "mine.json").stat().st_size > 10_000
        assert 0 < peak < int(documented[1]) * 1_000_000, learner.name
    solved = [[], [make_the_llm_break_off.name]]
    assert [progress(team, name) for name in NAMES] == [solved[n % 2] for n in range(len(NAMES))]
    assert not (ROOT / "notebooks" / "mine.json").exists()
    ours = {os.readlink(team.learners / name / "servers") for name in NAMES}
    assert ours == {str(ROOT / "servers")}


async def test_what_a_learner_has_written_stays_when_they_come_back(team: Hub):
    async with logged_in(team, "fay") as learner:
        home = team.learners / "fay" / "notebooks"
        assert not (home / "FACILITATING.md").exists()
        (home / LESSON).write_text("mine")
        (home / "09_know_the_limits.ipynb").unlink()
        await learner.leave()
    async with logged_in(team, "fay"):
        assert (home / LESSON).read_text() == "mine"
        assert not (home / "09_know_the_limits.ipynb").exists()


@pytest.mark.parametrize("name", ["..", "a/b", ".hub", "Ada Lovelace", "x" * 40])
async def test_a_name_that_is_no_folder_is_refused(team: Hub, name: str):
    with pytest.raises(AssertionError, match="Invalid username"):
        async with logged_in(team, name):
            pass
    assert {path.name for path in team.learners.iterdir()} <= {".hub", "fay", "gus", *NAMES}


@pytest.mark.browser
def test_page_and_chart_pass_the_hubs_proxy(chromium: str, team: Hub, tmp_path: Path):
    with browser_page(chromium, f"{team.url}/hub/login") as page:
        heard = complaints(page)
        page.get_by_label("Username:").fill("gus")
        page.get_by_label("Password:").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        try:
            the_page_streams_and_stops(page)
            page.screenshot(path=tmp_path / "page.png")
            the_chart_moves_to_its_verdict(page, tmp_path / "chart.png")
            assert heard == []
        finally:
            page.screenshot(path=tmp_path / "last.png")


def open_lesson(page: Page, number: str, title: str) -> None:
    wait_for(page, "Start here: where are your tokens?")
    page.get_by_role("link", name=number, exact=True).click()
    wait_for(page, title)
    run_all_cells(page)


def the_page_streams_and_stops(page: Page) -> None:
    """The page comes by the hub's address; its answer grows, and its stop reaches the LLM."""
    open_lesson(page, "04", "Who puts the events together again?")
    frame, own = page.locator("iframe.workshop-page"), re.compile(r"^/user/gus/workshop/\d+/")
    expect(frame).to_have_attribute("src", own, timeout=PATIENCE_MS)
    tokens = stop_in_the_frame(page)
    ledger = page.locator(".workshop-ledger")
    expect(ledger).to_contain_text("client left", timeout=PATIENCE_MS)
    (row,) = [line.split("\t") for line in ledger.inner_text().splitlines()[1:]]
    assert int(row[2]) == tokens > 9
    verdict = page.locator(".jp-OutputArea-output", has_text="PASS step3_cancelling: stopped")
    expect(verdict).to_be_visible(timeout=PATIENCE_MS)


def the_chart_moves_to_its_verdict(page: Page, picture: Path) -> None:
    page.get_by_role("tab", name="00_start_here.ipynb").click()
    open_lesson(page, "02", "Who tells the LLM to wait?")
    chart = page.locator(".jp-NotebookPanel:visible img[src^='blob:']").first
    expect(chart).to_be_visible(timeout=PATIENCE_MS)
    chart.scroll_into_view_if_needed()
    first = chart.get_attribute("src") or ""
    expect(chart).not_to_have_attribute("src", first, timeout=PATIENCE_MS)
    page.wait_for_timeout(LOOK_S * 1000)
    chart.scroll_into_view_if_needed()
    page.screenshot(path=picture)
    verdict = page.locator(".jp-OutputArea-output", has_text="PASS step1_broken: growing")
    expect(verdict).to_be_visible(timeout=PATIENCE_MS)
