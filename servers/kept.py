"""One answer in memory: the last of its events, and who waits for what of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple


class Event(NamedTuple):
    """One event, and how many bytes the answer has up to its end."""

    data: bytes
    upto: int


@dataclass(eq=False)
class Kept:
    """The events after number `dropped`; the reader has been given those up to `given`."""

    forget: Callable[[], object]
    events: deque[Event] = field(default_factory=deque[Event])
    dropped: int = 0
    dropped_upto: int = 0
    given: int = 0
    ticket: int = 0
    ended: str = ""  # or "whole", or why it can be read no more
    news: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return self.dropped + len(self.events)

    @property
    def held_bytes(self) -> int:
        return self._upto(self.last) - self.dropped_upto

    @property
    def ahead_bytes(self) -> int:
        return self._upto(self.last) - self._upto(self.given)

    def put(self, data: bytes, most: int) -> None:
        """Add an event, and drop of what the reader has been given as much as is too much."""
        self.events.append(Event(data, self._upto(self.last) + len(data)))
        while self.held_bytes > most and self.dropped < self.given:
            self.dropped_upto = self.events.popleft().upto
            self.dropped += 1
        self.news.set()

    def after(self, number: int, count: int) -> list[bytes]:
        begin = number - self.dropped
        return [event.data for event in islice(self.events, begin, begin + count)]

    def end(self, how: str) -> None:
        self.ended = how
        self.news.set()
        self.room.set()

    def forget_in(self, delay_s: float | None) -> None:
        """Set the time after which nobody is expected any more; None: the reader is here."""
        if self.timer:
            self.timer.cancel()
        loop = asyncio.get_running_loop()
        self.timer = loop.call_later(delay_s, self.forget) if delay_s is not None else None

    def _upto(self, number: int) -> int:
        at = number - self.dropped - 1
        return self.events[at].upto if at >= 0 else self.dropped_upto
