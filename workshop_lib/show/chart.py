"""The live chart: what is held where, and how many tokens went in and came out.

Five pictures a second must not disturb the server, which shares this process. So only the curves
are drawn anew, over a kept background (blitting); all is drawn when an axis needs another scale.
"""
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from workshop_lib.meter.recording import Recording
from workshop_lib.show.curves import CURVES, EARLIER, Curves
from workshop_lib.show.figures import write_figures
from workshop_lib.show.frame import Frame
from workshop_lib.show.png import encode, palette_of
from workshop_lib.show.units import nice_top
from workshop_lib.show.views import view_of

# An axis shows at least this much, so that a small thing does not look like a large one.
_FLOORS = {"held": 50_000.0, "memory": 20_000_000.0, "wasted": 100.0, "tokens": 20.0}
# A new scale costs ten frames: it has room for twice the value that asked for it.
_HEADROOM = 2.0
# A run is as long as planned, give or take a beat, unless the machine is busy.
_LATE, _MORE_TIME = 1.05, 1.5


class Chart:
    """Draws a recording as it grows; `before` is an earlier run, dashed on the same axis.

    Of `plan`, a recording's set-up, it needs `seconds`, `mix`, `tokens_per_s`, `answer_tokens`.
    """

    def __init__(self, plan: Mapping[str, Any], before: Recording | None = None) -> None:
        self._curves = Curves()
        titles, names = view_of(plan, before)
        self._sources = dict.fromkeys(names, self._curves)
        for name in names.keys() & EARLIER.keys():
            self._sources[name] = Curves()
            self._sources[name].extend(before or Recording({}))
        self._frame = Frame(plan["seconds"], titles, names)
        self._canvas = FigureCanvasAgg(self._frame.figure)
        self._palette = palette_of(CURVES[name].color for name in names)
        for axis in self._frame.axes:
            self._frame.set_top(axis, _FLOORS[axis])
        # what the LLM produces unhindered is known: two runs of one plan have one scale
        planned = min(plan["tokens_per_s"] * plan["seconds"], plan["answer_tokens"])
        self._frame.set_top("tokens", max(_FLOORS["tokens"], nice_top(planned)))
        self._rescale()
        self._draw_all()

    def png(self, recording: Recording) -> bytes:
        """Draw the recording as it stands now."""
        self._curves.extend(recording)
        if self._rescale():
            self._draw_all()
        self._canvas.restore_region(self._background)
        for name, line in self._frame.lines.items():
            line.set_data(*self._points(name))
            assert line.axes is not None
            line.axes.draw_artist(line)
        pixels = np.asarray(self._canvas.buffer_rgba())[..., :3]
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        write_figures(picture, self._sources)
        return encode(picture, self._palette)

    def _draw_all(self) -> None:
        self._canvas.draw()
        # an opaque copy of the pixels, which only restore_region() reads
        self._background: Any = self._canvas.copy_from_bbox(self._frame.figure.bbox)

    def _points(self, name: str) -> tuple[list[float], list[float]]:
        points = self._sources[name].points
        return points["t_s"], points[EARLIER.get(name, name)]

    def _rescale(self) -> bool:
        """Give an axis another scale where a curve has left it; tell whether one got it."""
        peaks = {axis: max(self._values(axis), default=0) for axis in self._frame.axes}
        outgrown = [axis for axis, peak in peaks.items() if peak > self._frame.top(axis)]
        for axis in outgrown:
            self._frame.set_top(axis, nice_top(peaks[axis], _HEADROOM))
        last_s = max((t for one in self._sources.values() for t in one.points["t_s"]), default=0)
        late = last_s > self._frame.end_s * _LATE
        if late:
            self._frame.set_end(last_s * _MORE_TIME)
        return bool(outgrown) or late

    def _values(self, axis: str) -> Iterator[float]:
        for name, source in self._sources.items():
            if CURVES[name].axis == axis:
                yield from (value for value in self._points(name)[1] if value == value)
            if name == "before" and axis == "memory":  # two runs' memory is compared by eye
                yield from (value for value in source.points["memory"] if value == value)
