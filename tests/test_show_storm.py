"""The page measured in turn: in a browser that looks, in one of our own, and without any."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, async_playwright

from tests.mechanism import nothing_left
from tests.page_runs import a_run
from tests.show_kernel import kernel
from tests.show_recordings import seen
from workshop_lib.pipe.chromium import FLAGS
from workshop_lib.pipe.long_answer import LongAnswer
from workshop_lib.show import storm
from workshop_lib.show.storm import HEADLESS, KEPT, UNFINISHED, YOURS, render_storm
from workshop_lib.show.storm_chart import WAYS, caption_of, describe_storm, draw_storm

pytestmark = pytest.mark.usefixtures("built_page")

SHORT = LongAnswer(sections=20, watched=2, tokens_per_s=1_000)
IN_VIEW = "<iframe src='{address}' width=700 height=500></iframe>"
BELOW = f"<div style='height: 3000px'>a lesson</div>{IN_VIEW}"


class Shown:
    """What a notebook would show: `frame` is the widget, `place` takes its place."""

    def __init__(self) -> None:
        self.frame: Any = None
        self.place = MagicMock()

    def __call__(self, thing: Any, **_: Any) -> MagicMock:
        self.frame = thing
        return self.place

    async def address(self) -> str:
        await seen(lambda: self.frame is not None)
        return re.findall(r'data-page="([^"]+)"', self.frame.value)[0]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown = Shown()
    monkeypatch.setattr(storm, "display", shown)
    monkeypatch.setattr("workshop_lib.show.storm_chart.display", MagicMock())
    return shown


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storm, "LOOK_S", 0.2)


@pytest.mark.browser
@pytest.mark.usefixtures("nobody_looks")
async def test_where_nobody_looks_a_chromium_of_our_own_does(shown: Shown, chromium: str):
    with nothing_left():
        runs = await render_storm("plain", "per-frame", answer=SHORT)
    assert list(runs) == ["plain", "per-frame"]
    length = len("".join("".join(tokens) for tokens in SHORT.tokens))
    for mode, run in runs.items():
        assert (run.where, run.mode, run.characters) == (HEADLESS, mode, length)
        assert all(part.commits for part in run.stretches)
    assert runs["per-frame"].stretches[-1].most_parsed == length
    assert runs["plain"].stretches[-1].most_parsed == 0
    picture = shown.place.update.call_args.args[0]
    assert picture["image/png"].startswith(b"\x89PNG")


async def looking(chromium: str, html: str, shown: Shown, then: Any) -> dict[str, Any]:
    """Run plain text in a frame of a page of another origin, as JupyterLab has it."""
    running = asyncio.create_task(render_storm("plain", answer=SHORT))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 800, "height": 600})
        await page.set_content(html.format(address=await shown.address()))
        await then(page)
        try:
            return await running
        finally:
            await browser.close()


@pytest.mark.browser
async def test_a_browser_that_has_the_page_in_view_measures_it(shown: Shown, chromium: str):
    async def stay(_: Page) -> None: ...

    runs = await looking(chromium, IN_VIEW, shown, stay)
    assert runs["plain"].where == YOURS


@pytest.mark.browser
async def test_what_is_out_of_sight_waits_and_says_so(
    shown: Shown, chromium: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storm, "PATIENCE_S", 60.0)

    async def scroll_down_and_away(page: Page) -> None:
        frame = page.frame_locator("iframe")
        says, run = frame.get_by_role("status"), frame.frame_locator("iframe")
        await page.locator("iframe").scroll_into_view_if_needed()
        await run.locator("[data-status=streaming]").wait_for()
        await page.evaluate("scrollTo(0, 0)")
        await says.get_by_text("Waiting: only a page in view is measured.").wait_for()
        assert await run.locator("[data-status]").count() == 0
        await page.locator("iframe").scroll_into_view_if_needed()
        await says.get_by_text("Measuring plain.").wait_for()

    runs = await looking(chromium, BELOW, shown, scroll_down_and_away)
    assert runs["plain"].where == YOURS
    assert runs["plain"].characters == SHORT.stretches[-1][1]


@pytest.mark.browser
async def test_what_stays_out_of_sight_is_measured_by_our_own(
    shown: Shown, chromium: str, monkeypatch: pytest.MonkeyPatch
):
    async def see_it_begin_and_leave(page: Page) -> None:
        await page.locator("iframe").scroll_into_view_if_needed()
        run = page.frame_locator("iframe").frame_locator("iframe")
        await run.locator("[data-status=streaming]").wait_for()
        await page.evaluate("scrollTo(0, 0)")
        await page.frame_locator("iframe").get_by_text("Waiting: only a page").wait_for()
        monkeypatch.setattr(storm, "PATIENCE_S", 0.5)
        await seen(lambda: HEADLESS in shown.frame.value)
        monkeypatch.setattr(storm, "PATIENCE_S", 60.0)

    runs = await looking(chromium, BELOW, shown, see_it_begin_and_leave)
    assert runs["plain"].where == HEADLESS


@pytest.mark.usefixtures("nobody_looks")
async def test_without_any_chromium_stored_runs_take_its_place(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storm, "find_chromium", lambda: None)
    monkeypatch.setattr(storm, "STORED", tmp_path)
    a_run("blocks").save(tmp_path / "05_blocks.json")
    with nothing_left():
        runs = await render_storm("blocks", answer=SHORT)
    assert (runs["blocks"].where, runs["blocks"].characters) == (KEPT, 100_000)
    assert f"Measured in {KEPT}." in caption_of(list(runs.values()))


@pytest.mark.usefixtures("nobody_looks")
async def test_no_report_at_all_is_a_sentence(
    shown: Shown, chromium: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storm, "PATIENCE_S", 0.0)
    with nothing_left(), pytest.raises(RuntimeError, match=r"(?s)reported plain\..*keep the page"):
        await render_storm("plain", answer=SHORT)
    assert shown.place.update.call_args.args[0] == {"text/plain": UNFINISHED}


async def test_an_interrupt_leaves_nothing(shown: Shown):
    with nothing_left():
        running = asyncio.create_task(render_storm("plain", answer=SHORT))
        await shown.address()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert shown.place.update.call_args.args[0] == {"text/plain": UNFINISHED}


@pytest.mark.browser
def test_a_notebook_keeps_the_picture_its_words_and_every_count(chromium: str):
    with kernel() as k:
        k.text(
            "from workshop_lib.pipe.long_answer import LongAnswer",
            "from workshop_lib.show import storm",
            "storm.LOOK_S = 0.2",
            f"answer = {SHORT!r}",
        )
        picture, words = k.run("runs = await storm.render_storm('plain', answer=answer)")
        assert "image/png" in picture.data
        assert picture.data["text/plain"].startswith("Plain text: a commit took ")
        assert "| plain | " in words.data["text/markdown"]
        assert f"Measured in {HEADLESS}" in words.data["text/plain"]


# -- the picture ----------------------------------------------------------------------------------


def test_every_mode_of_the_page_has_its_colour():
    modes = Path(__file__).parents[1] / "react_client" / "src" / "page" / "modes.ts"
    named = re.findall(r"^ {2}'?([\w-]+)'?: \{ label", modes.read_text(), re.MULTILINE)
    assert set(named) == set(WAYS)
    assert len({way.color for way in WAYS.values()}) == len(WAYS)


def test_the_picture_says_itself():
    runs = [a_run("per-frame"), a_run("blocks")]
    assert describe_storm(runs) == (
        "All Markdown, each frame: a commit took 0.8 ms at the beginning and 99.8 ms at the end, "
        "where 31 frames fell out. Markdown in blocks: a commit took 0.8 ms at the beginning and "
        "99.8 ms at the end, where 31 frames fell out."
    )
    assert draw_storm(runs).startswith(b"\x89PNG")


def test_a_browser_that_measures_nothing_in_a_part_leaves_a_gap():
    run = replace(a_run(), watched=[(0, 1_000), (60_000, 60_001), (99_000, 100_000)])
    assert draw_storm([run]).startswith(b"\x89PNG")


def test_the_frame_goes_where_the_browser_finds_the_port(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storm, "page_address", lambda port: f"/workshop/{port}/")
    address = re.findall(r'data-page="([^"]+)"', storm._frame(storm.page_address(4321)))[0]
    assert urlsplit(address).path == "/workshop/4321/in_turn"
