"""The page shows a long answer in one way after the other, and says what each commit has cost."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

import asyncio
import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
from aiohttp import web
from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from servers.common import make_app
from workshop_lib.meter.page_run import PageRun, read_report
from workshop_lib.pipe.chromium import chromium_at, find_chromium
from workshop_lib.pipe.long_answer import LongAnswer
from workshop_lib.pipe.node import ROOT, build_page
from workshop_lib.pipe.server import ServerThread
from workshop_lib.show.page import OPEN, page_address
from workshop_lib.show.storm_chart import show_storm

IN_TURN = Path(__file__).with_name("in_turn.html")
STORED = ROOT / "notebooks" / "recordings"
UPDATE_S = 0.2
LOOK_S = 5.0
PATIENCE_S = 60.0
QUICK_TIMES = 4
HEIGHT_PX = 420
UNFINISHED = "Not measured to the end: run this cell again."
YOURS, HEADLESS, KEPT = "your browser", "a Chromium without a window", "stored runs"


class Storm:
    """A run of the page in some modes; `runs` has those that have come to their end."""

    def __init__(self, modes: tuple[str, ...], answer: LongAnswer) -> None:
        self._modes, self._answer = modes, answer
        self.runs: dict[str, PageRun] = {}
        self.where = YOURS
        self.asked = 0  # how often a browser has asked for the answer

    @property
    def wanted(self) -> list[str]:
        """The modes that nobody has measured yet."""
        return [mode for mode in self._modes if mode not in self.runs]

    def app(self) -> web.Application:
        """Serve the page, its answer, and the page around it that calls it in turn."""

        async def chat(request: web.Request) -> web.StreamResponse:
            self.asked += 1
            return await self._answer.chat(request)

        app = make_app(chat)
        app.router.add_get("/in_turn", self._page)
        app.router.add_get("/wanted", self._next)
        app.router.add_post("/report", self._take)
        return app

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(IN_TURN)

    async def _next(self, _: web.Request) -> web.Response:
        return web.json_response(next(iter(self.wanted), None))

    async def _take(self, request: web.Request) -> web.Response:
        run = read_report(await request.json(), self.where, self._answer.stretches)
        self.runs[run.mode] = run
        return web.Response(status=204)

    async def until_measured(self) -> None:
        """Wait for the last report. Raises RuntimeError when nothing has come for a minute."""
        seen, news_s = (0, 0), time.monotonic()
        while self.wanted:
            await asyncio.sleep(UPDATE_S)
            if (now := (self.asked, len(self.runs))) != seen:
                seen, news_s = now, time.monotonic()
            if time.monotonic() - news_s > PATIENCE_S:
                raise RuntimeError(
                    f"No browser has reported {self.wanted[0]} in {PATIENCE_S:.0f} s. Run this "
                    "cell again in JupyterLab, and keep the page below it in view."
                )

    async def is_seen(self) -> bool:
        """Tell whether a browser has the page in view."""
        for _ in range(round(LOOK_S / UPDATE_S)):
            if self.asked:
                return True
            await asyncio.sleep(UPDATE_S)
        return bool(self.asked)


async def render_storm(
    *modes: str, beside: Mapping[str, PageRun] | None = None, answer: LongAnswer | None = None
) -> dict[str, PageRun]:
    """Let the page show a long answer in each mode, and return what that has cost, by mode.

    It runs in a frame below the cell; where no browser has that in view, in a Chromium without a
    window; and where there is none, stored runs take its place. `beside` are runs to draw with it.
    """
    storm = Storm(modes, _at_pace(answer or LongAnswer()))
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


async def _measure(storm: Storm, url: str, frame: ipywidgets.HTML) -> None:
    looking = nullcontext()
    if not await storm.is_seen():
        chromium = find_chromium()
        if chromium is None:
            storm.runs.update({mode: stored_run(mode) for mode in storm.wanted})
            return
        storm.where = HEADLESS
        frame.value = f"No browser has the page in view, so {HEADLESS} opens it."
        looking = chromium_at(f"{url}/in_turn", chromium)
    with looking:
        await storm.until_measured()


def stored_run(mode: str) -> PageRun:
    """Return the run that `make notebooks` has kept."""
    return replace(PageRun.load(STORED / f"05_{mode}.json"), where=KEPT)


def _at_pace(answer: LongAnswer) -> LongAnswer:
    if os.environ.get("WORKSHOP_PACE", "full") != "quick":
        return answer
    return replace(answer, tokens_per_s=answer.tokens_per_s * QUICK_TIMES)


def _frame(address: str) -> str:
    return (
        f'<iframe title="The page, measured" height="{HEIGHT_PX}" style="width: 100%; border: 0" '
        f'data-page="{escape(address)}in_turn?" onload="{escape(OPEN)}"></iframe>'
    )
