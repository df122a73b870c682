"""What stays the same from picture to picture: panels, axes, and the names in the key."""
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterable, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from workshop_lib.show.curves import CURVES
from workshop_lib.show.units import size

WIDTH_PX, HEIGHT_PX, SCALE = 760, 320, 1.5
INK, FAINT = "#222222", "#D8D8D8"
TEXT_PX = 11
_POINTS = 72 / 100  # a CSS pixel is 1/100 inch of the figure

# In pixels from the top left: the panels' edges; where each entry of the key begins.
TOP_PX, BOTTOM_PX = 100, 276
PANELS_PX = {"left": (58, 334), "right": (474, 744)}
IN_BYTES = {"held", "memory"}
KEY_PX = {
    **{name: (10, 40 + 19 * row) for row, name in enumerate(("hoarded", "buffers", "kernel"))},
    **{name: (222, 40 + 19 * row) for row, name in enumerate(("memory", "before", "link"))},
    **{name: (10, 40 + 19 * row) for row, name in enumerate(("wasted", "wasted_before"))},
    **{name: (456, 40 + 19 * row) for row, name in enumerate(("produced", "received", "healthy"))},
}
VALUE_END_PX, NAME_PX = 74, 80


class Frame:
    """The figure of a run of `seconds`; its `lines` are drawn over it, curve by curve.

    `titles` name its two panels, the left one first.
    """

    def __init__(self, seconds: float, titles: Mapping[str, str], names: Mapping[str, str]) -> None:
        self.figure = Figure(figsize=(WIDTH_PX / 100, HEIGHT_PX / 100), dpi=100 * SCALE)
        self.figure.set_facecolor("white")
        self._axes: dict[str, Axes] = {}
        for (axis, title), side in zip(titles.items(), PANELS_PX, strict=True):
            self._axes[axis] = self._panel(axis, side, seconds)
            self._text(10 if side == "left" else 456, 16, title, weight="bold")
        if "held" in titles:
            self._axes["memory"] = self._memory_axis()
        for name, text in names.items():
            self._key(name, text)
        self.lines = self._lines(reversed(list(names)))

    @property
    def axes(self) -> tuple[str, ...]:
        """What there is an axis for."""
        return tuple(self._axes)

    def top(self, axis: str) -> float:
        """Return where an axis ends."""
        return self._axes[axis].get_ylim()[1]

    def set_top(self, axis: str, top: float) -> None:
        """Let an axis end there, with its zero at the bottom."""
        self._axes[axis].set_ylim(0, top)

    @property
    def end_s(self) -> float:
        """Return the second at which the panels end."""
        return next(iter(self._axes.values())).get_xlim()[1]

    def set_end(self, seconds: float) -> None:
        """Let the panels end there."""
        for axes in self._axes.values():
            axes.set_xlim(0, seconds)

    def _panel(self, axis: str, side: str, seconds: float) -> Axes:
        left, right = PANELS_PX[side]
        axes = self.figure.add_axes(
            (
                left / WIDTH_PX,
                1 - BOTTOM_PX / HEIGHT_PX,
                (right - left) / WIDTH_PX,
                (BOTTOM_PX - TOP_PX) / HEIGHT_PX,
            )
        )
        axes.set_xlim(0, seconds)
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("seconds", fontsize=TEXT_PX * _POINTS, color=INK)
        _style(axes, size if axis in IN_BYTES else "{:,.0f}".format)
        return axes

    def _memory_axis(self) -> Axes:
        axes = self._axes["held"].twinx()
        _style(axes, size)
        axes.patch.set_visible(False)
        axes.tick_params(axis="y", labelcolor="#9C4A78")
        return axes

    def _lines(self, names: Iterable[str]) -> dict[str, Line2D]:
        lines: dict[str, Line2D] = {}
        for name in names:
            curve = CURVES[name]
            (lines[name],) = self._axes[curve.axis].plot(
                [],
                [],
                curve.dashes,
                color=curve.color,
                linewidth=curve.width,
                solid_capstyle="round",
                animated=True,
            )
        return lines

    def _key(self, name: str, text: str) -> None:
        x, y = KEY_PX[name]
        curve = CURVES[name]
        ends = [x / WIDTH_PX, (x + 20) / WIDTH_PX], [1 - y / HEIGHT_PX] * 2
        self.figure.add_artist(
            Line2D(*ends, color=curve.color, linewidth=curve.width, linestyle=curve.dashes)
        )
        self._text(x + NAME_PX, y, text)

    def _text(self, x: float, y: float, text: str, weight: str = "normal") -> None:
        self.figure.text(
            x / WIDTH_PX,
            1 - y / HEIGHT_PX,
            text,
            fontsize=TEXT_PX * _POINTS,
            color=INK,
            weight=weight,
            va="center_baseline",
        )


def _style(axes: Axes, write: Callable[[float], str]) -> None:

    def on_axis(value: float, _: int | None) -> str:
        return write(value)

    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(labelsize=(TEXT_PX - 1) * _POINTS, length=0, labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(on_axis))
