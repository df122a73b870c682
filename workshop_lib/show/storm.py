"""The page shows a long answer in one way after the other, and says what each commit has cost."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

import asyncio
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from typing import Any

import ipywidgets
from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from workshop_lib.meter.page_run import PageRun
from workshop_lib.pipe.chromium import chromium_at, find_chromium
from workshop_lib.pipe.long_answer import LongAnswer
from workshop_lib.pipe.node import ROOT, build_page
from workshop_lib.pipe.server import ServerThread
from workshop_lib.show.in_turn import InTurn
from workshop_lib.show.page import OPEN, page_address
from workshop_lib.show.storm_chart import show_storm

STORED = ROOT / "notebooks" / "recordings"
UPDATE_S = 0.2
LOOK_S, PATIENCE_S = 5.0, 45.0
QUICK_TIMES, QUICK_WATCHED = 4, 3
HEIGHT_PX = 420
UNFINISHED = "Not measured to the end: run this cell again."
# Only in view it is measured: who runs all cells is taken there.
OPEN_IN_VIEW = f"{OPEN}; this.scrollIntoView({{block: 'center'}})"
YOURS, HEADLESS, KEPT = "your browser", "a Chromium without a window", "stored runs"


async def render_storm(
    *modes: str, beside: Mapping[str, PageRun] | None = None, answer: LongAnswer | None = None
) -> dict[str, PageRun]:
    """Let the page show a long answer in each mode, and return what that has cost, by mode.

    It runs in a frame below the cell; what no browser has in view runs in a Chromium without a
    window; and where there is none, stored runs take its place. `beside` are runs to draw with it.
    Raises RuntimeError when nothing is measured in the end.
    """
    storm = InTurn(modes, _at_pace(answer or LongAnswer()), YOURS)
    build_page()
    with (
        ServerThread(storm.app, env={"OPENAI_API_KEY": "not needed"}) as server,
        _shown(server.port) as (frame, place),
    ):
        await _measure(storm, server.url, frame)
        show_storm([*(beside or {}).values(), *storm.runs.values()], place)
    return storm.runs


@contextmanager
def _shown(port: int) -> Generator[tuple[ipywidgets.HTML, Any]]:
    """Show the page in a frame, and close it however it ends; what takes its place is up to you."""
    frame = ipywidgets.HTML(_frame(page_address(port)))
    place: Any = display(frame, display_id=True)
    try:
        yield frame, place
    except BaseException:
        place.update({"text/plain": UNFINISHED}, raw=True)
        raise
    finally:
        frame.close()


async def _measure(storm: InTurn, url: str, frame: ipywidgets.HTML) -> None:
    if await _is_measured(storm):
        return
    chromium = find_chromium()
    if chromium is None:
        storm.runs.update({mode: stored_run(mode) for mode in storm.wanted})
        return
    storm.where = HEADLESS
    frame.value = f"No browser has the page in view, so {HEADLESS} opens it."
    with chromium_at(f"{url}/in_turn", chromium):
        if not await _is_measured(storm):
            raise RuntimeError(
                f"No browser has reported {storm.wanted[0]}. Run this cell again in JupyterLab, "
                "and keep the page below it in view."
            )


async def _is_measured(storm: InTurn) -> bool:
    """Wait until all is measured, or nothing new has come for too long; tell which."""
    seen, waited_s = (0, 0), 0.0
    while storm.wanted and waited_s < _patience_s(storm):
        await asyncio.sleep(UPDATE_S)
        now = (storm.asked, len(storm.runs))
        waited_s = waited_s + UPDATE_S if now == seen else 0.0
        seen = now
    return not storm.wanted


def _patience_s(storm: InTurn) -> float:
    """Return how long to wait: whoever has opened the page may have to scroll there first."""
    if storm.opened or storm.where != YOURS:
        return PATIENCE_S
    return LOOK_S / 2 if _is_quick() else LOOK_S


def stored_run(mode: str) -> PageRun:
    """Return the run that `make notebooks` has kept."""
    return replace(PageRun.load(STORED / f"05_{mode}.json"), where=KEPT)


def _at_pace(answer: LongAnswer) -> LongAnswer:
    if not _is_quick():
        return answer
    rate = answer.tokens_per_s * QUICK_TIMES
    return replace(answer, tokens_per_s=rate, watched=min(answer.watched, QUICK_WATCHED))


def _is_quick() -> bool:
    return os.environ.get("WORKSHOP_PACE", "full") == "quick"


def _frame(address: str) -> str:
    return (
        f'<iframe title="The page, measured" height="{HEIGHT_PX}" style="width: 100%; border: 0" '
        f'data-page="{escape(address)}in_turn?" onload="{escape(OPEN_IN_VIEW)}"></iframe>'
    )
