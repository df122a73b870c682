"""A newcomer's first ten minutes, in a real JupyterLab in a real browser."""

import re
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import missing
from tests.lab import browser_page, lab
from tests.mechanism import gone, until
from workshop_lib.pipe.local_model import NotInstalled
from workshop_lib.pipe.local_model.engine import weights

pytestmark = pytest.mark.browser

PATIENCE_MS = 150_000
FEWEST_PICTURES = 8
VERDICTS = ("PASS step1_broken: unclear", "PASS step0_buffered: growing")
LAST_VERDICT = "PASS step1_broken: growing"
ANSWER_TOKENS = 5000  # more than can have come before the page is stopped


def open_lesson(page: Page, number: str, title: str) -> None:
    """Follow the link from the list of lessons to one of them."""
    wait_for(page, "Start here: where are your tokens?")
    page.get_by_role("link", name=number, exact=True).click()
    wait_for(page, title)


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
            open_lesson(page, "01", "Why does my server's memory climb?")
            run_all_cells(page)
            pictures = pictures_until(page, LAST_VERDICT)
            assert len(pictures) >= FEWEST_PICTURES
            for verdict in VERDICTS:
                assert page.locator(".jp-OutputArea-output", has_text=verdict).count() == 1
            turn_a_knob(page)
            assert not page.locator(".jp-RenderedText[data-mime-type*='stderr']").count()
            assert language_servers() == []
        finally:
            page.screenshot(path=tmp_path / "lesson_01.png")


def language_servers() -> list[str]:
    """Name what reads code for the editor: it takes half a core from what is measured."""
    running = psutil.Process().children(recursive=True)
    lines = [" ".join(process.cmdline()) for process in running if process.is_running()]
    return [line for line in lines if "langserver" in line]


def complaints(page: Page) -> list[str]:
    """Collect the errors that the page and the frames in it write to the console, and raise."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda problem: heard.append(str(problem)))
    return heard


def stop_in_the_frame(page: Page) -> int:
    """See the answer grow in the frame, stop it there, and return the tokens it has got."""
    frame = page.frame_locator("iframe.workshop-page")
    # a frame out of sight draws nothing, and no button of it stands still for a click
    page.locator("iframe.workshop-page").scroll_into_view_if_needed()
    expect(frame.get_by_label("Answer")).to_contain_text("#9..", timeout=PATIENCE_MS)
    frame.get_by_role("button", name="Stop").click()
    expect(frame.get_by_role("status")).to_contain_text("Stopped: ")
    return frame.get_by_label("Answer").inner_text().count("#")


def test_lesson_04_streams_a_page_inside_the_notebook_and_stops_it(
    chromium: str, tmp_path: Path
) -> None:
    folder = tmp_path / "workshop"
    folder.mkdir()
    with lab(folder) as url, browser_page(chromium, url) as page:
        try:
            heard = complaints(page)
            open_lesson(page, "04", "Who puts the events together again?")
            run_all_cells(page)
            last = page.locator(".jp-OutputArea-output", has_text="tried yet: make_the_end_honest")
            expect(last).to_be_visible(timeout=PATIENCE_MS)
            tokens = stop_in_the_frame(page)
            ledger = page.locator(".workshop-ledger")
            expect(ledger).to_contain_text("client left", timeout=PATIENCE_MS)
            (row,) = [line.split("\t") for line in ledger.inner_text().splitlines()[1:]]
            produced = int(row[1].removesuffix(" tokens").replace(",", ""))
            assert int(row[2]) == tokens <= produced < ANSWER_TOKENS
            verdict = page.locator(
                ".jp-OutputArea-output", has_text="PASS step3_cancelling: stopped"
            )
            expect(verdict).to_be_visible(timeout=PATIENCE_MS)
            assert not page.locator(".jp-RenderedText[data-mime-type*='stderr']").count()
            assert heard == []
        finally:
            page.screenshot(path=tmp_path / "lesson_04.png")


def models_running() -> list[int]:
    """Name the processes of local models that this one has started, however far down."""
    started = psutil.Process().children(recursive=True)
    return [one.pid for one in started if "workshop_lib.pipe.local_model.serve" in one.cmdline()]


@pytest.mark.long
def test_a_real_model_answers_in_the_page_and_ends_with_the_lab(
    chromium: str, tmp_path: Path
) -> None:
    try:
        weights()
    except NotInstalled:
        missing("the extra is not installed: run `python3 .ci/install.py model`")
    folder = tmp_path / "workshop"
    folder.mkdir()
    with lab(folder, "MODEL=local") as url, browser_page(chromium, url) as page:
        try:
            open_lesson(page, "04", "Who puts the events together again?")
            run_all_cells(page)
            says = page.get_by_text("answers: press Send", exact=False)
            expect(says).to_be_visible(timeout=PATIENCE_MS)
            page.locator("iframe.workshop-page").scroll_into_view_if_needed()
            frame = page.frame_locator("iframe.workshop-page")
            frame.get_by_role("button", name="Send").click(timeout=PATIENCE_MS)
            expect(frame.get_by_label("Answer")).to_contain_text(
                re.compile(r"([A-Za-z]+\W+){20}"), timeout=PATIENCE_MS
            )
            verdict = page.locator(
                ".jp-OutputArea-output", has_text="PASS step3_cancelling: stopped"
            )
            expect(verdict).to_be_visible(timeout=PATIENCE_MS)
            (model,) = models_running()
        finally:
            page.screenshot(path=tmp_path / "lesson_04_model.png")
    until(lambda: gone(model))
