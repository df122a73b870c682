"""Figures as people read them."""


def size(count_bytes: float) -> str:
    """Return bytes in B, kB or MB (powers of 1,000), with at most three figures and a comma."""
    if abs(count_bytes) < 999.5:
        return f"{count_bytes:.0f} B"
    for factor, unit in ((1e3, "kB"), (1e6, "MB"), (1e9, "GB")):
        scaled = count_bytes / factor
        if abs(scaled) < 999.5 or unit == "GB":
            break
    figure = f"{scaled:,.1f}" if abs(scaled) < 99.95 else f"{scaled:,.0f}"
    return f"{figure.removesuffix('.0')} {unit}"


def count(number: float, thing: str) -> str:
    """Return a number with its noun, which takes an s unless there is one."""
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
    return f"{text} {thing}" if number == 1 else f"{text} {thing}s"


def nice_top(value: float, headroom: float = 1.0) -> float:
    """Return 1, 2 or 5 times a power of ten, at least `headroom` times a value: an axis's end."""
    power = 10.0 ** (len(str(int(max(value, 1)))) - 1)
    return next(step * power for step in (1, 2, 5, 10, 20, 50) if step * power >= value * headroom)


def shorten(text: str, most: int) -> str:
    """Return a text, cut where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def measured(value: float) -> str:
    """Return a number with three figures at least, and thousands set apart."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
