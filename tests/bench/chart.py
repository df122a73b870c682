"""The benchmark as a picture: one panel a figure, one bar a server."""

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.figures import Row, Rows

OURS, LEAN, PEERS = "#1b6ca8", "#3a9d6e", "#9a9a9a"
Read = Callable[[Row], float | None]

PANELS: list[tuple[str, Read, bool]] = [
    ("RSS of a stalled reader, kB", lambda row: _kb(row["stalled"]["rss_bytes_per_reader"]), False),
    ("CPU an event, us: LLM without a limit", lambda row: _us(row["flood"]), True),
    ("CPU an event, us: fixed rate", lambda row: _us(row["rate"]), False),
    ("Loop lag p99, ms: LLM without a limit", lambda row: row["flood"]["lag_ms_p99"], True),
    ("Added latency p99, ms: fixed rate", lambda row: row["rate"]["added_ms_p99"], True),
]


def draw(rows: Rows, caption: str, path: Path) -> None:
    """Draw all panels; a figure that is missing leaves its place empty."""
    figure = Figure(figsize=(15, 0.42 * len(rows) + 1.8), layout="constrained", dpi=100)
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for panel, (title, read, is_log) in zip(axes, PANELS, strict=True):
        _bars(panel, rows, read, is_log)
        panel.set_title(title, fontsize=9.5)
    axes[0].set_yticks(range(len(rows)), list(rows))
    axes[0].invert_yaxis()
    figure.supxlabel(caption, fontsize=8.5)
    figure.savefig(path)


def _bars(panel: Axes, rows: Rows, read: Read, is_log: bool) -> None:
    values = [_value(read, row) for row in rows.values()]
    panel.barh(range(len(rows)), [value or 0 for value in values], color=[*map(_colour, rows)])
    if is_log and any(value and value > 0 for value in values):
        panel.set_xscale("log")
    for at, value in enumerate(values):
        text = (
            "no figure" if value is None else f" {value:,.3g}" if value < 1000 else f" {value:,.0f}"
        )
        panel.text(
            value if value and value > 0 else panel.get_xlim()[0], at, text, va="center", fontsize=8
        )
    panel.margins(x=0.28)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8.5)


def _value(read: Read, row: Row) -> float | None:
    try:
        return read(row)
    except (KeyError, TypeError, ZeroDivisionError):
        return None


def _colour(name: str) -> str:
    return OURS if name.startswith("step") else LEAN if "relay" in name else PEERS


def _kb(size_bytes: float) -> float:
    return size_bytes / 1000


def _us(run: Row) -> float:
    return 1e6 / run["events_per_cpu_s"]
