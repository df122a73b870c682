"""What Locust is told of an answer while it comes: one line of its table for each figure."""

import time
from collections.abc import Callable
from typing import Literal

Figure = Literal["head", "first token", "token", "stall", "answer", "open"]

Tell = Callable[[Figure, float | None, int, str | None], None]
"""Takes a figure, how long it took (ms; None: nobody can say), its bytes, and what went wrong."""


class Figures:
    """Follows one answer; a gap longer than `stall_s` seconds is told as a stall, too.

    `wire_bytes` are all bytes taken from the socket so far. A gap in which the reader itself did
    not read says nothing of the server, and has no length.
    """

    def __init__(self, tell: Tell, stall_s: float) -> None:
        self._tell = tell
        self._stall_ms = stall_s * 1000
        self._asked_s = self._last_s = time.monotonic()
        self._tokens = self._told_bytes = 0
        self._read_all_along = True

    def head_came(self, wire_bytes: int) -> None:
        self._tell("head", _ms_since(self._asked_s), wire_bytes - self._told_bytes, None)
        self._told_bytes = wire_bytes

    def tokens_came(self, tokens: int, wire_bytes: int) -> None:
        """Tell of each token since the last call; in a lump all but the first have a gap of 0."""
        if tokens <= self._tokens:
            return
        gap_ms = self._first() if self._tokens == 0 else self._gap()
        self._tell("token", gap_ms, wire_bytes - self._told_bytes, None)
        for _ in range(tokens - self._tokens - 1):
            self._tell("token", 0.0, 0, None)
        self._tokens, self._told_bytes = tokens, wire_bytes
        self._last_s, self._read_all_along = time.monotonic(), True

    def paused(self) -> None:
        """The reader chooses not to read for a while, or ever again."""
        self._read_all_along = False

    def ended(self, wire_bytes: int, problem: str | None = None) -> None:
        """The answer is over, as its reader wanted it, or with a problem."""
        if problem:
            self._unfinished_gap()
        self._tell("answer", _ms_since(self._asked_s), wire_bytes, problem)

    def left_open(self, wire_bytes: int) -> None:
        """The load test ends before the answer does."""
        self._unfinished_gap()
        self._tell("open", _ms_since(self._asked_s), wire_bytes, None)

    def _first(self) -> None:
        self._tell("first token", _ms_since(self._asked_s), 0, None)

    def _gap(self) -> float | None:
        if not self._read_all_along:
            return None
        gap_ms = _ms_since(self._last_s)
        if gap_ms > self._stall_ms:
            self._tell("stall", gap_ms, 0, None)
        return gap_ms

    def _unfinished_gap(self) -> None:
        """The worst stalls do not end: without this they would be seen in no figure."""
        if self._tokens:
            self._gap()


def _ms_since(then_s: float) -> float:
    return (time.monotonic() - then_s) * 1000
