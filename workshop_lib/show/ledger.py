"""The ledger as a table: where every token is, layer by layer, while a run goes on.

A running pipe is never seen at one instant. Frozen, it holds still, and the bytes add up.
"""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple

import ipywidgets
from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Gauges, Recording
from workshop_lib.show.live import perform, plan_of
from workshop_lib.show.tables import as_html, as_text
from workshop_lib.show.units import count
from workshop_lib.show.words import caption

_HEAD = ("where", "tokens", "bytes")


class Layer(NamedTuple):
    """One place where tokens wait; None where it cannot be seen."""

    name: str
    tokens: int | None
    wire_bytes: int | None


def layers(gauges: Gauges, has_link: bool = False) -> list[Layer]:
    """Return every layer from the LLM to the readers; bytes are those on the wire."""
    buffered, kernel = gauges.write_buffer_bytes, gauges.kernel_bytes
    link = [Layer("on the slow link", *_share(gauges, gauges.link_bytes))] if has_link else []
    return [
        Layer("in the sockets from the LLM", gauges.llm_tokens, gauges.llm_bytes),
        Layer("inside the server: its queues, its SDK", gauges.queued_tokens, gauges.queued_bytes),
        Layer("in the server's write buffers", *_share(gauges, buffered)),
        Layer("in the kernel, towards the readers", *_share(gauges, kernel)),
        *link,
        Layer("received by the readers", gauges.received_tokens, gauges.received_bytes),
    ]


def unaccounted_bytes(gauges: Gauges) -> int | None:
    """Return the bytes that the server gave its readers' connections and no layer holds."""
    seen = gauges.write_buffer_bytes, gauges.kernel_bytes, gauges.given_bytes
    if None in seen:
        return None
    buffered, kernel, given = (value or 0 for value in seen)
    return given - buffered - kernel - gauges.link_bytes - gauges.received_bytes


async def watch_ledger(experiment: Experiment) -> Recording:
    """Run an experiment under a live table with a button that freezes the pipe.

    It is frozen at the end in any case: the recording's `streams` hold that moment.
    """
    screen = LedgerScreen(plan_of(experiment))
    place: Any = display(screen.widget, display_id=True)
    try:
        return await perform(experiment, screen)
    finally:
        place.update(screen.table(), raw=True)
        screen.widget.close()


class LedgerScreen:
    """The table among its widgets; its traits may be set from any thread."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._gauges: Gauges | None = None
        self._setup: Mapping[str, Any] = plan
        self.progress = ipywidgets.FloatProgress(max=plan["seconds"], layout={"width": "300px"})
        self.stop = ipywidgets.Button(description="Freeze", icon="snowflake-o", disabled=True)
        self.words = ipywidgets.HTML("Starting the LLM, the server and the readers …")
        bar = ipywidgets.HBox([self.progress, self.stop])
        self.widget = ipywidgets.VBox([bar, self.words])

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Let the button call this."""

        def clicked(_: object) -> None:
            stop()

        self.stop.on_click(clicked)
        self.stop.disabled = False

    def show(self, recording: Recording) -> None:
        """Show the newest moment, which is the frozen one when the run has ended."""
        self._setup = recording.setup
        if recording.streams:
            self._gauges = Gauges.of(recording.streams)
        elif recording.samples:
            self._gauges = recording.samples[-1].group()
            self.progress.value = recording.samples[-1].t_s
        self.words.value = self.table()["text/html"]

    def table(self) -> dict[str, str]:
        """Return the table by MIME type."""
        if self._gauges is None:
            said = "The run ended before its first sample: run the cell again."
            return {"text/html": said, "text/plain": said}
        rows = [_cells(layer) for layer in layers(self._gauges, bool(self._setup.get("link")))]
        produced = count(self._gauges.produced_tokens, "token")
        ending = [f"Produced by the LLM: {produced}.", _balance(self._gauges)]
        under, said = caption(self._setup), "<br>".join(map(escape, ending))
        return {
            "text/html": as_html(_HEAD, rows, (1, 2))
            + f"<p>{said}</p><small>{escape(under)}</small>",
            "text/plain": "\n".join([as_text(_HEAD, rows, (1, 2)), *ending, under]),
        }


def _share(gauges: Gauges, wire_bytes: int | None) -> tuple[int | None, int | None]:
    """Return the tokens that so many bytes on their way down stand for, with the bytes."""
    if wire_bytes is None or gauges.downstream_tokens is None:
        return None, wire_bytes
    return gauges.share_tokens(wire_bytes), wire_bytes


def _balance(gauges: Gauges) -> str:
    lost = unaccounted_bytes(gauges)
    if lost is None or gauges.given_bytes is None:
        return "What the server gave its connections cannot be seen here."
    return (
        f"Given by the server to its readers' connections: {gauges.given_bytes:,} bytes. "
        f"Unaccounted for: {lost:,} bytes."
    )


def _cells(layer: Layer) -> list[str]:
    return [layer.name, *("unseen" if value is None else f"{value:,}" for value in layer[1:])]
