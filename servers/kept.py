"""One answer in memory: the last of its events, and who waits for what of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Kept:
    """The events after number `dropped`; the reader has been given those up to `given`."""

    forget: Callable[[], object]
    events: deque[bytes] = field(default_factory=deque[bytes])
    dropped: int = 0
    held_bytes: int = 0
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

    def put(self, event: bytes) -> None:
        self.events.append(event)
        self.held_bytes += len(event)
        self.news.set()

    def make_room(self, size: int, most: int) -> bool:
        """Drop what the reader has been given, as far as it takes; tell whether that is enough."""
        while self.held_bytes + size > most and self.dropped < self.given:
            self.held_bytes -= len(self.events.popleft())
            self.dropped += 1
        return not self.events or self.held_bytes + size <= most

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
