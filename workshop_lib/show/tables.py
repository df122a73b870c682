"""Tables that read the same as HTML and as text."""

from collections.abc import Collection, Sequence
from html import escape

_TEXT = "text-align: left; padding: 2px 12px; vertical-align: top"
_FIGURES = "text-align: right; padding: 2px 12px; font-variant-numeric: tabular-nums"

Rows = Sequence[Sequence[str]]


def as_html(head: Sequence[str], rows: Rows, figures: Collection[int] = ()) -> str:
    """Return a table; the columns in `figures` are set to the right."""

    def row(cells: Sequence[str], tag: str) -> str:
        styles = (_FIGURES if at in figures else _TEXT for at in range(len(cells)))
        made = zip(styles, cells, strict=True)
        return "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for style, cell in made)

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f"<table><tr>{row(head, 'th')}</tr>{body}</table>"


def as_text(head: Sequence[str], rows: Rows, figures: Collection[int] = ()) -> str:
    """Return a table as lines, each column as wide as its widest cell."""
    lines = [head, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]

    def line_of(cells: Sequence[str]) -> str:
        set_out = (
            cell.rjust(width) if at in figures else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(set_out).rstrip()

    return "\n".join(map(line_of, lines))
