"""A small table that reads the same as HTML and as text."""

from collections.abc import Sequence
from html import escape

from workshop_lib.show.bundle import show


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Show rows under a head, and a sentence below them."""
    show(*table(head, rows, note))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> tuple[str, str]:
    """Return the table as HTML, and as text."""
    cells = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    page = f"<table><tr>{_cells('th', head)}</tr>{cells}</table><p>{escape(note)}</p>"
    return page, f"{_lines([head, *rows])}\n\n{note}".rstrip()


def _cells(kind: str, row: Sequence[str]) -> str:
    return "".join(f'<{kind} style="text-align: left">{escape(cell)}</{kind}>' for cell in row)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(" | ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
