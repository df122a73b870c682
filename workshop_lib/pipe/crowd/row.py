"""What is known of each reader: one row, counted where the bytes were taken from the socket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

State = Literal["connecting", "reading", "stalled", "stopped", "left", "done", "failed"]


class ReaderRow(NamedTuple):
    """One reader's counters; `*_s` are seconds since the crowd started, by the crowd's clock.

    `wire_bytes` is everything read from the socket, with head and chunk framing; `body_bytes` the
    decoded body. `in_order` is true, or the first violation in words. `due_bytes` is what a steady
    reader's schedule has allowed so far. `complete` says that the end mark came.
    """

    reader: int
    habit: str
    prompt: str
    local_port: int | None
    state: State
    status: int | None
    in_order: Literal[True] | str
    complete: bool
    error: str | None
    started_s: float | None
    first_token_s: float | None
    tokens: int
    highest_token: int
    wire_bytes: int
    body_bytes: int
    due_bytes: int | None


_COUNTERS = ReaderRow._fields.index("tokens")  # from here on: what changes with every event


@dataclass(frozen=True)
class Report:
    """All rows at one moment, with the CPU seconds that the crowd's processes have used."""

    now_s: float
    cpu_s: float
    rows: list[ReaderRow]


def news_of(row: ReaderRow, told: ReaderRow | None) -> Sequence[Any] | None:
    """Return what is new since it was told last: nothing, the counters, or the whole row."""
    if row == told:
        return None
    if told and row[:_COUNTERS] == told[:_COUNTERS]:
        return (row.reader, *row[_COUNTERS:])
    return row


def told(news: Sequence[Any], rows: dict[int, ReaderRow]) -> None:
    """Bring `rows`, by reader, up to date with what `news_of` returned."""
    values: list[Any] = [*news]
    if len(news) < len(ReaderRow._fields):
        values[:1] = rows[news[0]][:_COUNTERS]
    rows[news[0]] = ReaderRow(*values)
