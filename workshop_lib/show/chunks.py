"""The picture of bytes, chunks and events: a line a chunk, a colour an event."""

from collections.abc import Callable, Sequence
from html import escape
from random import Random
from typing import NamedTuple

from workshop_lib.pipe.sse import SseParser
from workshop_lib.show.bundle import show
from workshop_lib.show.units import count

SHORTEST_BYTES, LONGEST_BYTES = 12, 44
# see-through, so that the text keeps the theme's contrast; the numbers tell events apart too
_COLORS = ("0, 114, 178", "230, 159, 0", "0, 158, 115", "204, 121, 167")
_BOX = "border-radius: 3px; box-shadow: 0 0 0 1px rgba(128, 128, 128, 0.5)"


class Piece(NamedTuple):
    """What one chunk holds of one event, which is counted from 1."""

    event: int
    data: bytes


class Row(NamedTuple):
    """One chunk: its pieces, and which events it completes."""

    pieces: list[Piece]
    completed: list[int]


def cut_by_chance(whole: bytes, seed: int) -> list[bytes]:
    """Cut an answer into chunks of 12 to 44 bytes, the same ones for the same seed."""
    chance = Random(seed)
    chunks: list[bytes] = []
    while whole:
        size = chance.randint(SHORTEST_BYTES, LONGEST_BYTES)
        chunks.append(whole[:size])
        whole = whole[size:]
    return chunks


def rows_of(chunks: Sequence[bytes]) -> list[Row]:
    """Tell which bytes belong to which event, as the workshop's own parser has it."""
    parser, event = SseParser(), 1
    rows: list[Row] = []
    for chunk in chunks:
        row = Row([], [])
        start = 0
        for end in range(1, len(chunk) + 1):
            if parser.push(chunk[end - 1 : end]):
                row.pieces.append(Piece(event, chunk[start:end]))
                row.completed.append(event)
                event, start = event + 1, end
        if chunk[start:]:
            row.pieces.append(Piece(event, chunk[start:]))
        rows.append(row)
    return rows


def cut_inside(chunks: Sequence[bytes]) -> int:
    """Count the chunks that end inside an event."""
    return sum(_is_cut(row) for row in rows_of(chunks))


def show_chunks(chunks: Sequence[bytes], note: str = "") -> None:
    """Draw each chunk on a line of its own, with the pieces of events that it holds."""
    rows = rows_of(chunks)
    title = f"{_sentence(chunks, rows)} {note}".rstrip()
    body, text = (_lines(rows, write) for write in (_box, _plain))
    page = f'<style>{_style()}</style><p>{escape(title)}</p><pre class="workshop-chunks">{body}'
    show(f"{page}</pre>", f"{title}\n\n{text}")


def _is_cut(row: Row) -> bool:
    return bool(row.pieces) and row.pieces[-1].event not in row.completed


def _sentence(chunks: Sequence[bytes], rows: Sequence[Row]) -> str:
    events = sum(len(row.completed) for row in rows)
    sizes = f"{count(sum(map(len, chunks)), 'byte')} in {count(len(rows), 'chunk')}"
    cut = sum(map(_is_cut, rows))
    return f"{sizes} make {count(events, 'event')}; {cut} of the chunks end inside an event."


def _lines(rows: Sequence[Row], write: Callable[[Piece], str]) -> str:
    width = max((len(_text(row)) for row in rows), default=0)
    return "\n".join(
        f"chunk {number:>2}  {' '.join(map(write, row.pieces))}"
        f"{' ' * (width - len(_text(row)))}  {_completes(row)}"
        for number, row in enumerate(rows, 1)
    )


def _text(row: Row) -> str:
    return " ".join(map(_plain, row.pieces))


def _plain(piece: Piece) -> str:
    return f"{piece.event}│{''.join(map(_sign, piece.data))}│"


def _sign(byte: int) -> str:
    """Write a byte as Python does, and the other languages of this workshop: `\\n`, `\\xf0`."""
    return ascii(chr(byte))[1:-1] if byte != ord("'") else "'"


def _box(piece: Piece) -> str:
    kind = piece.event % len(_COLORS)
    return f'<span class="event-{kind}">{escape(_plain(piece))}</span>'


def _completes(row: Row) -> str:
    if not row.completed:
        return "completes nothing"
    return f"completes event {' and '.join(map(str, row.completed))}"


def _style() -> str:
    rules = "".join(
        f".workshop-chunks .event-{kind} {{background: rgba({color}, 0.3); {_BOX}}} "
        for kind, color in enumerate(_COLORS)
    )
    # twice the class: JupyterLab's own rule, which wraps, comes later and weighs as much as one
    return f"pre.workshop-chunks.workshop-chunks {{overflow-x: auto; white-space: pre}} {rules}"
