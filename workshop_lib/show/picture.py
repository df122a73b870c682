"""What small still charts share: their figure, their axes, and how they are shown."""
# pyright: reportUnknownMemberType=false

import io
from html import escape

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workshop_lib.show.frame import FAINT, INK, SCALE, WIDTH_PX

FONT_PT = 8.0
STRIKING, CALM, WAITING = "#D55E00", "#0072B2", "#E69F00"  # Okabe and Ito's palette


def panels(number: int, height_px: int, *, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """Make a figure with panels side by side, on one scale."""
    size = (WIDTH_PX / 100, height_px / 100)
    figure = Figure(figsize=size, dpi=100 * SCALE, facecolor="white", layout="constrained")
    axes = figure.subplots(1, number, sharex=True, sharey=sharey, squeeze=False)[0]
    return figure, list(axes)


def style(axes: Axes, title: str, unit: str) -> None:
    """Set a panel of horizontal bars, the first on top."""
    axes.set_title(title, fontsize=FONT_PT + 0.5, color=INK, weight="bold", loc="left")
    axes.set_xlabel(unit, fontsize=FONT_PT, color=INK)
    axes.set_xlim(left=0)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.tick_params(labelsize=FONT_PT, length=0, labelcolor=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def png_of(figure: Figure) -> bytes:
    """Return the picture."""
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def show_picture(png: bytes, words: str, under: str) -> None:
    """Show a picture that says itself in `words`, and the conditions below it."""
    size = {"image/png": {"width": WIDTH_PX, "alt": words}}
    display({"image/png": png, "text/plain": words}, raw=True, metadata=size)
    markdown = f"{escape(words)}\n\n<small>{escape(under)}</small>"
    display({"text/markdown": markdown, "text/plain": f"{words}\n{under}"}, raw=True)
