"""The picture of a render storm: what a commit costs as the answer grows, and dropped frames."""
# pyright: reportUnknownMemberType=false

import io
from collections.abc import Sequence
from html import escape
from typing import Any, Literal, NamedTuple

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from workshop_lib.meter.page_run import PageRun
from workshop_lib.show.frame import FAINT, INK, SCALE, WIDTH_PX
from workshop_lib.show.units import count

HEIGHT_PX = 300
FRAME_MS = 1000 / 60
FONT_PT = 8.0


class Way(NamedTuple):
    """How a mode is called and drawn, in Okabe and Ito's palette."""

    name: str
    color: str
    marker: str
    dashes: Literal["-", "--", ":"] = "-"


# In the order of the table: react_client/src/page/modes.ts has what they are.
WAYS = {
    "per-token": Way("all Markdown, each token", "#D55E00", "s"),
    "per-frame": Way("all Markdown, each frame", "#E69F00", "o", "--"),
    "at-end": Way("plain, Markdown at the end", "#CC79A7", "v", ":"),
    "blocks": Way("Markdown in blocks", "#009E73", "D"),
    "plain": Way("plain text", "#0072B2", "^", "--"),
}
HEAD = (
    "mode", "commits", "ms a commit, at the end", "parsed by a commit, at most",
    "dropped frames, at the end", "longest freeze, ms", "long tasks",
)  # fmt: skip


def show_storm(runs: Sequence[PageRun], place: Any) -> None:
    """Draw runs in a place of a notebook; below it all of their counts, and the conditions."""
    runs = sorted(runs, key=lambda run: list(WAYS).index(run.mode))
    words, caption = describe_storm(runs), caption_of(runs)
    picture = {"image/png": draw_storm(runs), "text/plain": words}
    place.update(picture, raw=True, metadata={"image/png": {"width": WIDTH_PX, "alt": words}})
    text = f"{words}\n\n{_table(runs)}\n\n<small>{escape(caption)}</small>"
    display({"text/markdown": text, "text/plain": f"{words}\n{caption}"}, raw=True)


def describe_storm(runs: Sequence[PageRun]) -> str:
    """Say the picture in a sentence a mode."""
    return " ".join(map(_sentence, runs))


def caption_of(runs: Sequence[PageRun]) -> str:
    """State what the runs were made under."""
    watched = runs[0].watched
    where = " and ".join(sorted({run.where for run in runs}))
    return (
        f"Measured in {where}. An answer of {runs[0].characters:,} characters; {len(watched)} "
        f"parts of it, of some {watched[0][1]:,} characters each, come token by token, and what "
        "lies between comes at once: its commits are not drawn. At the end: from the last part's "
        "first token until the answer is complete. Ms a commit: rendering, changes to the "
        "document and layout, the median of a part. A frame is due every 16.7 ms."
    )


def draw_storm(runs: Sequence[PageRun]) -> bytes:
    """Draw a commit's cost by the answer's length on the left, dropped frames on the right."""
    size = (WIDTH_PX / 100, HEIGHT_PX / 100)
    figure = Figure(figsize=size, dpi=100 * SCALE, facecolor="white", layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(5, 4))
    _costs(left, runs)
    _frames(right, runs)
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def _costs(axes: Axes, runs: Sequence[PageRun]) -> None:
    for run in runs:
        way, parts = WAYS[run.mode], [part for part in run.stretches if part.commits]
        axes.plot(
            [part.characters for part in parts], [part.work_ms for part in parts],
            color=way.color, marker=way.marker, markersize=4, linestyle=way.dashes, linewidth=2,
        )  # fmt: skip
    axes.axhline(FRAME_MS, color=INK, linewidth=0.8)
    axes.text(0, FRAME_MS * 1.1, "a frame", fontsize=FONT_PT, color=INK)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(_plainly))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_plainly))
    axes.set_xlabel("characters in the answer", fontsize=FONT_PT, color=INK)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    _style(axes, "Ms a commit")


def _plainly(value: float, _: int | None) -> str:
    return f"{value:,g}" if value < 1 else f"{value:,.0f}"


def _frames(axes: Axes, runs: Sequence[PageRun]) -> None:
    dropped = [run.dropped_at_the_end for run in runs]
    axes.barh(range(len(runs)), dropped, color=[WAYS[run.mode].color for run in runs], height=0.6)
    for place, number in enumerate(dropped):
        axes.text(number, place, f" {number}", va="center", fontsize=FONT_PT, color=INK)
    axes.set_yticks(range(len(runs)), [WAYS[run.mode].name for run in runs])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.xaxis.set_major_locator(NullLocator())
    _style(axes, "Dropped frames, at the end")


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=FONT_PT + 0.5, color=INK, weight="bold", loc="left")
    axes.tick_params(labelsize=FONT_PT, length=0, labelcolor=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.set_axisbelow(True)


def _sentence(run: PageRun) -> str:
    first, last, name = run.stretches[0], run.stretches[-1], WAYS[run.mode].name
    dropped = count(run.dropped_at_the_end, "frame")
    return (
        f"{name[0].upper()}{name[1:]}: a commit took {first.work_ms:.1f} ms at the beginning and "
        f"{last.work_ms:.1f} ms at the end, where {dropped} fell out."
    )


def _table(runs: Sequence[PageRun]) -> str:
    rows = [HEAD, ("---", *["--:"] * (len(HEAD) - 1)), *map(_row, runs)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _row(run: PageRun) -> tuple[Any, ...]:
    last = run.stretches[-1]
    tasks = "?" if run.long_tasks is None else run.long_tasks
    unbroken = run.mode.replace("-", "&#8209;")
    return (
        unbroken, len(run.commits), f"{last.work_ms:.1f}", f"{last.most_parsed:,}",
        run.dropped_at_the_end, f"{run.longest_frame_ms:,.0f}", tasks,
    )  # fmt: skip
