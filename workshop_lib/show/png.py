"""Small PNG files: 64 colours are plenty for a few lines on white, and a third of the bytes."""

import io
from collections.abc import Iterable

from PIL import Image, ImageColor

COLORS = 64


def palette_of(colors: Iterable[str]) -> Image.Image:
    """Make a palette of these colours, each in steps towards white, filled up with greys."""
    strong = [ImageColor.getrgb(color)[:3] for color in colors]
    steps = COLORS * 3 // 4 // max(len(strong), 1)
    shades = [
        tuple(round(255 - (255 - part) * (step + 1) / steps) for part in color)
        for color in strong
        for step in range(steps)
    ]
    greys = COLORS - len(shades)
    shades += [(round(255 * grey / (greys - 1)),) * 3 for grey in range(greys)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for shade in shades for part in shade])
    return palette


def encode(picture: Image.Image, palette: Image.Image) -> bytes:
    """Write an RGB picture as a PNG with the colours of a palette."""
    file = io.BytesIO()
    small = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    small.save(file, "png", compress_level=6, bits=6)
    return file.getvalue()
