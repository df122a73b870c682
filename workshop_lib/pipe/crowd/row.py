"""What is known of each reader: one row, counted where the bytes were taken from the socket."""

from dataclasses import dataclass
from typing import Any, Literal, Self

State = Literal["connecting", "reading", "stalled", "left", "done", "failed"]


@dataclass(frozen=True)
class ReaderRow:
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
    tokens: int
    highest_token: int
    in_order: Literal[True] | str
    wire_bytes: int
    body_bytes: int
    due_bytes: int | None
    complete: bool
    error: str | None
    started_s: float | None
    first_token_s: float | None

    def values(self) -> list[Any]:
        """Return the row as JSON carries it."""
        return list(vars(self).values())

    @classmethod
    def of(cls, values: list[Any]) -> Self:
        """Make a row of what `values()` returned."""
        return cls(*values)


@dataclass(frozen=True)
class Report:
    """All rows at one moment, with the CPU seconds that the crowd's process has used."""

    now_s: float
    cpu_s: float
    rows: list[ReaderRow]
