"""The key's figures, written by Pillow: Matplotlib takes a millisecond for each text."""

from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from workshop_lib.show.curves import CURVES, EARLIER, Curves
from workshop_lib.show.frame import IN_BYTES, INK, KEY_PX, SCALE, TEXT_PX, VALUE_END_PX
from workshop_lib.show.units import size


def write_figures(picture: Image.Image, curves: dict[str, Curves]) -> None:
    """Write the newest value of each curve beside its name in the key."""
    draw = ImageDraw.Draw(picture)
    for name, source in curves.items():
        x, y = KEY_PX[name]
        draw.text(
            ((x + VALUE_END_PX) * SCALE, y * SCALE),
            _figure(name, source.last(EARLIER.get(name, name))),
            fill=INK,
            font=_bold(),
            anchor="rm",
        )


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "?"
    return size(value) if CURVES[name].axis in IN_BYTES else f"{value:,.0f}"


@cache
def _bold() -> ImageFont.FreeTypeFont:
    font = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
    return ImageFont.truetype(font, TEXT_PX * SCALE)
