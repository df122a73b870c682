"""The chart among its widgets: progress, a stop button, the picture, and what it was made under."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets

from workshop_lib.meter.recording import Recording
from workshop_lib.show.chart import Chart
from workshop_lib.show.frame import HEIGHT_PX, WIDTH_PX
from workshop_lib.show.money import Price
from workshop_lib.show.words import caption, describe, is_about_leaving, unseen, wasted


class Screen:
    """Shows a recording as it grows. Its traits may be set from any thread.

    `plan` is what the chart has to know of the set-up; `before` an earlier run to draw beside it;
    `note` stands in front of the caption; `price` turns tokens that nobody got into money.
    """

    def __init__(
        self,
        plan: Mapping[str, Any],
        before: Recording | None = None,
        note: str = "",
        price: Price | None = None,
    ) -> None:
        self._note, self._price = note, price
        self._chart = Chart(plan, before)
        self.recording: Recording | None = None
        # Drawn before the run begins: what the chart takes is not counted as the server's memory
        self.png = self._chart.png(Recording(dict(plan)))
        self.progress = ipywidgets.FloatProgress(max=plan["seconds"], layout={"width": "300px"})
        self.stop = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self.state = ipywidgets.Label("Starting the LLM, the server and the readers …")
        self.image = ipywidgets.Image(value=self.png, width=WIDTH_PX, height=HEIGHT_PX)
        self.words = ipywidgets.HTML()
        self._bar = ipywidgets.HBox([self.progress, self.stop, self.state])
        self.widget = ipywidgets.VBox([self._bar, self.image, self.words])

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Let the button call this once."""

        def clicked(_: object) -> None:
            self.stop.disabled = True
            self.state.value = "Stopping …"
            stop()

        self.stop.on_click(clicked)
        self.stop.disabled = False

    def show(self, recording: Recording) -> None:
        """Draw the recording as it stands now."""
        if self.recording is None:
            under = escape(self.caption(recording))
            self.words.value = f'<div style="line-height: 1.4"><small>{under}</small></div>'
        self.recording = recording
        self.png = self._chart.png(recording)
        self.image.value = self.png
        self.progress.value = recording.samples[-1].t_s if recording.samples else 0.0
        if not self.stop.disabled:
            self.state.value = self._so_far(recording)

    def _so_far(self, recording: Recording) -> str:
        so_far = f"{self.progress.value:.0f} of {self.progress.max:.0f} s"
        if not recording.samples or not is_about_leaving(recording.setup):
            return so_far
        tokens = recording.samples[-1].group().wasted_tokens
        return f"{so_far}: {wasted(tokens, self._price)}"

    def end(self) -> None:
        """Leave the picture, with its sentence, and take the button and the progress away."""
        self._bar.layout.display = "none"
        sentence = f'<div style="line-height: 1.4">{escape(self.sentence())}</div>'
        self.words.value = sentence + self.words.value

    def close(self) -> None:
        """Take the widgets out of the browser's memory."""
        parts = (self._bar, self.progress, self.stop, self.state, self.image, self.words)
        for part in (self.widget, *parts):
            part.close()

    def sentence(self) -> str:
        """Return the chart in words."""
        if self.recording is None:
            return "The run ended before its first sample: run the cell again."
        return describe(self.recording, self._price)

    def caption(self, recording: Recording) -> str:
        """Return what the chart was made under, and what it cannot show."""
        return " ".join(filter(None, (self._note, caption(recording.setup), unseen(recording))))

    def picture(self) -> dict[str, Any]:
        """Return the last frame as MIME types, with the sentence where there are no pictures."""
        return {"image/png": self.png, "text/plain": self.sentence()}
