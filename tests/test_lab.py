"""A newcomer's first ten minutes, in a real JupyterLab in a real browser."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.lab import browser_page, lab

pytestmark = pytest.mark.browser

PATIENCE_MS = 150_000
FEWEST_PICTURES = 8
VERDICTS = ("PASS step1_broken: unclear", "PASS step0_buffered: growing")
LAST_VERDICT = "PASS step1_broken: growing"


def open_lesson(page: Page) -> None:
    """Follow the link from the list of lessons to lesson 01."""
    wait_for(page, "Start here: where are your tokens?")
    page.get_by_role("link", name="01", exact=True).click()
    wait_for(page, "Why does my server's memory climb?")


def wait_for(page: Page, title: str) -> None:
    """Return when a notebook is in front and its kernel has said what it is.

    Before that a menu does nothing, and Lab's own start may bring the first notebook back.
    """
    heading = page.get_by_role("heading", name=title)
    notebook = page.locator(".jp-NotebookPanel:visible", has=heading)
    # the kernel's answer brings this button; "idle" is shown before there is any kernel
    expect(notebook.locator(".jp-DebuggerBugButton")).to_be_visible(timeout=PATIENCE_MS)


def run_all_cells(page: Page) -> None:
    """Run the lesson from the menu, as a person does."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def pictures_until(page: Page, text: str) -> set[str]:
    """Watch the charts until a text stands in an output; return the pictures seen meanwhile."""
    seen: set[str] = set()
    deadline_s = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline_s:
        seen |= set(page.locator("img[src^='blob:']").evaluate_all("all => all.map(i => i.src)"))
        if page.locator(".jp-OutputArea-output", has_text=text).count():
            return seen
        page.wait_for_timeout(100)
    raise AssertionError(f"no output says {text!r}")


def turn_a_knob(page: Page) -> None:
    """Move the first slider of the playground and start it."""
    knobs = page.locator(".jp-OutputArea-output", has=page.get_by_role("slider"))
    readout = knobs.locator(".widget-readout").first
    before = readout.inner_text(timeout=PATIENCE_MS)
    knobs.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text(str(int(before) + 1))
    knobs.locator("button", has_text="Start").click()
    ended = knobs.get_by_text(re.compile(r"After .* s the LLM had produced .*: growing\."))
    expect(ended).to_be_visible(timeout=PATIENCE_MS)


def test_lesson_01_runs_in_the_browser_and_its_chart_moves(chromium: str, tmp_path: Path) -> None:
    folder = tmp_path / "workshop"
    folder.mkdir()
    with lab(folder) as url, browser_page(chromium, url) as page:
        try:
            open_lesson(page)
            run_all_cells(page)
            pictures = pictures_until(page, LAST_VERDICT)
            assert len(pictures) >= FEWEST_PICTURES
            for verdict in VERDICTS:
                assert page.locator(".jp-OutputArea-output", has_text=verdict).count() == 1
            turn_a_knob(page)
            assert not page.locator(".jp-RenderedText[data-mime-type*='stderr']").count()
        finally:
            page.screenshot(path=tmp_path / "lesson_01.png")
