"""The page's charts as SVG: lines over seconds, in the page's own colours."""

from collections.abc import Sequence
from html import escape

from workshop_lib.doctor.finding import Finding

WIDTH, HEIGHT = 640, 170
LEFT, RIGHT, TOP, BOTTOM = 64, 26, 28, 30
GRID_LINES = 4
ENOUGH_FOR_DOTS = 60

Points = Sequence[tuple[float, float]]


def chart_of(finding: Finding) -> str:
    """Return what a finding saw as a picture; nothing for one that saw no course of things."""
    if len(finding.trace) < 2:
        return ""
    first = [(x, y) for x, y, _ in finding.trace]
    second = [(x, y) for x, _, y in finding.trace]
    curves = [("found", finding.axes[0], first)]
    if finding.axes[1]:
        curves.append(("due", finding.axes[1], second))
    most_x = max(x for x, _ in first) or 1.0
    most_y = max(y for _, _, points in curves for _, y in points) or 1.0
    drawn = [_curve(name, points, most_x, most_y) for name, _, points in reversed(curves)]
    key = [_key(n, name, label) for n, (name, label, _) in enumerate(curves)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(finding.evidence)}">'
        f"{_grid(most_x, most_y)}{''.join(drawn)}{''.join(key)}</svg>"
    )


def _grid(most_x: float, most_y: float) -> str:
    parts: list[str] = []
    for n in range(GRID_LINES + 1):
        share = n / GRID_LINES
        y = _y(share)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="y" x="{LEFT - 6}" y="{y + 4}">{_figure(most_y * share)}</text>')
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        seconds = f"{most_x * share:.1f}" + (" s" if n == GRID_LINES else "")
        parts.append(f'<text class="x" x="{x:.0f}" y="{HEIGHT - 10}">{seconds}</text>')
    return "".join(parts)


def _curve(name: str, points: Points, most_x: float, most_y: float) -> str:
    placed = [
        (round(LEFT + x / most_x * (WIDTH - LEFT - RIGHT), 1), _y(y / most_y)) for x, y in points
    ]
    line = " ".join(f"{x},{y}" for x, y in placed)
    drawn = f'<polyline class="{name}" points="{line}"/>'
    if name == "found" and len(placed) <= ENOUGH_FOR_DOTS:
        drawn += "".join(f'<circle class="{name}" cx="{x}" cy="{y}" r="3"/>' for x, y in placed)
    return drawn


def _key(number: int, name: str, label: str) -> str:
    x = LEFT + number * 260
    return (
        f'<line class="{name}" x1="{x}" x2="{x + 22}" y1="12" y2="12"/>'
        f'<text x="{x + 28}" y="16">{escape(label)}</text>'
    )


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _figure(value: float) -> str:
    return f"{value / 1e6:.1f} MB" if value >= 1e5 else f"{value:,.0f}"
