"""Eight streams from one page in a real browser, drawn as a timeline from what the page reports."""
# pyright: reportUnknownMemberType=false

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from workshop_lib.pipe.chromium import chromium_at, find_chromium
from workshop_lib.pipe.eight_streams import HTTP1, HTTP2, PATIENCE_S, EightStreams, Timeline
from workshop_lib.pipe.node import ROOT
from workshop_lib.show.picture import CALM, FONT_PT, WAITING, panels, png_of, show_picture, style

STORED = ROOT / "notebooks" / "recordings"
NAMES = {HTTP1: "HTTP/1.1", HTTP2: "HTTP/2"}
LOOK_S = 0.1
TOKENS, QUICK_TOKENS = 20, 8
HEIGHT_PX = 220
UNTRUSTED = "--ignore-certificate-errors"  # for this one browser, and the certificate of this run
HEADLESS, KEPT = "a Chromium without a window", "a stored run: there is no Chromium here"


async def open_eight() -> tuple[Timeline, Timeline]:
    """Let a page open eight streams over HTTP/1.1, then over HTTP/2; draw and return both.

    Without a Chromium stored runs are drawn, and the caption says so. Raises RuntimeError when the
    page does not report.
    """
    chromium = find_chromium()
    both = await _measured(chromium) if chromium else (_stored("over_http1"), _stored("over_http2"))
    show_timelines(both)
    return both


async def _measured(chromium: str) -> tuple[Timeline, Timeline]:
    quick = os.environ.get("WORKSHOP_PACE", "full") == "quick"
    with (
        EightStreams(QUICK_TOKENS if quick else TOKENS) as eight,
        chromium_at(eight.url, chromium, UNTRUSTED),
    ):
        for _ in range(round(PATIENCE_S / LOOK_S)):
            if len(reports := eight.reports()) == len(NAMES):
                return _seen(reports[HTTP1]), _seen(reports[HTTP2])
            await asyncio.sleep(LOOK_S)
    raise RuntimeError(
        f"The page has reported {len(eight.reports())} of {len(NAMES)} runs. Run this cell again."
    )


def _seen(timeline: Timeline) -> Timeline:
    return replace(timeline, where=HEADLESS)


def _stored(name: str) -> Timeline:
    return replace(Timeline.load(STORED / f"07_{name}.json"), where=KEPT)


def show_timelines(runs: Sequence[Timeline]) -> None:
    """Draw the runs side by side, with a sentence for each."""
    words = " ".join(map(_sentence, runs))
    under = (
        f"Seen by {runs[0].where}. One page, one server (Hypercorn), {len(runs[0].asked_ms)} "
        "requests at the same moment; only the protocol differs."
    )
    show_picture(draw_timelines(runs), words, under)


def draw_timelines(runs: Sequence[Timeline]) -> bytes:
    """Draw a row for each stream: how long it waited to begin, and how long it ran."""
    figure, axes = panels(len(runs), HEIGHT_PX)
    for panel, run in zip(axes, runs, strict=True):
        _rows(panel, run)
    key = axes[0].get_legend_handles_labels()
    figure.legend(*key, loc="outside lower center", ncols=2, fontsize=FONT_PT, frameon=False)
    return png_of(figure)


def _rows(axes: Axes, run: Timeline) -> None:
    rows = range(1, len(run.asked_ms) + 1)
    asked, begun, ended = (
        [at / 1000 for at in times] for times in (run.asked_ms, run.begun_ms, run.ended_ms)
    )
    waited = [later - earlier for earlier, later in zip(asked, begun, strict=True)]
    lasted = [later - earlier for earlier, later in zip(begun, ended, strict=True)]
    axes.barh(rows, waited, left=asked, height=0.3, color=WAITING, label="asked for, waiting")
    axes.barh(rows, lasted, left=begun, height=0.7, color=CALM, label="streaming")
    axes.set_yticks(rows)
    style(axes, f"{NAMES[run.protocol]}: {run.at_once} at once", "seconds")


def _sentence(run: Timeline) -> str:
    streams = len(run.asked_ms)
    waiting = streams - run.at_once
    rest = f"{waiting} waited until one of them was over" if waiting else "none had to wait"
    return f"Over {NAMES[run.protocol]} {run.at_once} of {streams} streams began at once; {rest}."
