"""The last of each answer, in memory: for one server process."""

import asyncio
from contextlib import suppress

from servers.kept import Kept
from servers.replay import AT_ONCE, Bounds, Taken, Unavailable


class LocalReplay:
    """The answers of one process."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._kept: dict[str, Kept] = {}

    async def begin(self, name: str) -> None:
        if len(self._kept) >= self._bounds.answers:
            raise Unavailable("full")
        kept = self._kept[name] = Kept(lambda: self._drop(name))
        kept.forget_in(self._bounds.resume_s)

    async def forget(self, name: str) -> None:
        """Drop an answer that nobody has the name of."""
        if name in self._kept:
            self._drop(name)

    async def add(self, name: str, number: int, event: bytes) -> bool:
        """Keep an event; tell whether there was room."""
        kept = self._find(name)
        ahead_bytes = kept.ahead_bytes
        has_room = not ahead_bytes or ahead_bytes + len(event) <= self._bounds.replay_bytes // 2
        if has_room:
            kept.put(event, self._bounds.replay_bytes)
        return has_room

    async def end(self, name: str, number: int, event: bytes) -> None:
        """Keep the last event, room or not."""
        kept = self._find(name)
        kept.put(event, self._bounds.replay_bytes)
        kept.end("whole")

    async def wait_for_room(self, name: str) -> None:
        room = self._find(name).room
        room.clear()
        await room.wait()

    async def look(self, name: str) -> None:
        """Raise what has become of an answer that nobody wants any more."""
        self._find(name)

    async def attach(self, name: str, after: int) -> int:
        """Become the reader of an answer, in the place of whoever was before."""
        kept = self._find(name)
        if not kept.dropped <= after <= kept.last:
            raise Unavailable("missed")
        if kept.ended and after == kept.last:
            raise Unavailable("over")
        kept.ticket, kept.given = kept.ticket + 1, after
        kept.forget_in(None)
        kept.news.set()
        return kept.ticket

    async def take(self, name: str, ticket: int, after: int) -> Taken:
        """Return what comes next; the reader has been given all up to `after`."""
        kept = self._find(name)
        if ticket != kept.ticket:
            raise Unavailable("taken_over")
        kept.given = after
        kept.room.set()
        events = kept.after(after, AT_ONCE)
        return Taken(events, bool(kept.ended) and after + len(events) == kept.last)

    async def wait_for_more(self, name: str, after: int, limit_s: float) -> None:
        """Wait until there is something to take or to know, at most so long."""
        kept = self._find(name)
        if kept.last > after or kept.ended:
            return
        kept.news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await kept.news.wait()

    async def leave(self, name: str, ticket: int) -> None:
        """Expect the reader back, unless another has come."""
        kept = self._kept.get(name)
        if kept and kept.ticket == ticket:
            kept.forget_in(self._bounds.resume_s)

    async def stop(self, name: str) -> None:
        """Drop all but the news that it was stopped."""
        kept = self._find(name)
        kept.events.clear()
        kept.dropped_upto = 0
        kept.end("stopped")
        kept.forget_in(self._bounds.resume_s)

    async def close(self) -> None:
        for name in [*self._kept]:
            self._drop(name)

    @property
    def held_bytes(self) -> int:
        """Count the bytes of all events kept."""
        return sum(kept.held_bytes for kept in [*self._kept.values()])

    def __len__(self) -> int:
        """Count the answers kept."""
        return len(self._kept)

    def _find(self, name: str) -> Kept:
        kept = self._kept.get(name)
        if kept is None:
            raise Unavailable("gone")
        if kept.ended == "stopped":
            raise Unavailable("stopped")
        return kept

    def _drop(self, name: str) -> None:
        kept = self._kept.pop(name)
        kept.forget_in(None)
        kept.end("gone")
