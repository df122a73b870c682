"""The browser's benchmark measures what it says, and judges it by its aims."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from tests.bench.browser import THROTTLES, VIEWS
from tests.bench.browser_figures import AIMS, OURS, PEER, name_of
from tests.bench.browser_report import print_report
from tests.bench.browser_runs import LastPart, run
from tests.mechanism import nothing_left
from workshop_lib.pipe.chromium import FLAGS

TINY = LastPart(sections=12, last=2, tokens_per_s=1_000, settle_s=0.2)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["blocks", "per-frame"])
def test_only_the_last_part_is_measured(browser: Browser, built_page: Path, mode: str):
    with nothing_left():
        row = run(browser, built_page, mode, 1, TINY)
    length = len("".join("".join(tokens) for tokens in TINY.tokens))
    assert 0 < row["commits"] <= 2 * 250 + 2
    assert row["frames"] == 30
    assert (row["parsed_at_most"] == length) == (mode == "per-frame")
    assert 0 < row["work_ms"] <= row["work_ms_p95"]
    assert row["spent_ms"]["task"] >= row["spent_ms"]["script"] > 0
    assert row["dropped_frames"] >= 0 and row["long_tasks"] >= 0


def test_its_last_sections_come_one_after_the_other():
    assert TINY.watched_sections == [10, 11]
    assert TINY.stretches[0][1] == TINY.stretches[1][0]
    assert TINY.watched_s == 0.5
    assert LastPart().watched_s * LastPart().tokens_per_s == 1_000


def rows(ours: int, streamdown: int) -> dict[str, Any]:
    dropped = {"blocks": ours, "streamdown": streamdown}
    named = {
        name_of(text, mode, by): {
            "text": text, "mode": mode, "throttle": by, "dropped_frames": dropped.get(mode, 9),
            "frames": 300, "long_tasks": 1, "commits": 290, "work_ms": 2.0, "work_ms_p95": 3.0,
            "parsed_at_most": 800, "spent_ms": {"script": 1, "layout": 2, "task": 4},
        }
        for text in VIEWS
        for by in THROTTLES
        for mode in VIEWS[text]
    }  # fmt: skip
    return named | {"bundles": {OURS: 25_000, PEER: 200_000}}


@pytest.mark.parametrize(
    ("ours", "streamdown", "met"),
    [
        (0, 9, [True] * 8),
        (0, 0, [True] * 8),
        (5, 9, [False] + [True] * 7),
        (9, 9, [False] * 7),
        (2, 0, [False] * 7),
    ],
)
def test_aims_are_to_drop_none_and_fewer_than_streamdown(
    ours: int, streamdown: int, met: list[bool]
):
    judged = [aim.judged(rows(ours, streamdown))["met"] for aim in AIMS]
    assert judged[: len(met)] == met
    assert judged[-1] is True


def test_an_aim_of_nothing_says_by_how_much_it_is_missed():
    assert AIMS[0].judged(rows(5, 9))["said"] == "5 frames, 5 above 0"


def test_an_aim_that_is_not_measured_is_neither_met_nor_missed():
    assert {aim.judged({})["met"] for aim in AIMS} == {None}


def test_the_report_has_every_row_and_every_aim():
    results = rows(3, 9)
    bundles = results.pop("bundles")
    aims = [aim.judged(results | {"bundles": bundles}) for aim in AIMS]
    console = Console(record=True, width=160, file=StringIO())
    parts = {"rows": results, "bundles": bundles, "parsers": ["ours 1.00"], "aims": aims}
    print_report(console, parts)
    printed = console.export_text()
    assert all(name in printed for name in results)
    assert all(aim["aim"] in printed for aim in aims)
    assert "3 of 300" in printed and "25.0 kB" in printed and "ours 1.00" in printed
