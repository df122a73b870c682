"""How much each user may have: tokens in a window of time, and streams at once. In memory.

The window is a fixed one that begins with a user's first token: when it is over the count begins
anew, and nobody has to ask what a sliding one gives back when.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Rules:
    """What each user may have. `lease_s` is how long the place of a stream is kept at most."""

    budget_tokens: int
    window_s: float
    streams: int
    lease_s: float


class Left(NamedTuple):
    """What a user has left, when all of it comes back, and which of the rules refuses a stream."""

    tokens: int
    renewed_s: float
    refused: str = ""  # or "budget", or "streams"


class Budgets(Protocol):
    """Keeps the accounts of all users; `stream` is an id that no other stream has."""

    async def enter(self, user: str, stream: str) -> Left: ...
    async def charge(self, user: str, tokens: int) -> Left: ...
    async def leave(self, user: str, stream: str) -> None: ...
    async def close(self) -> None: ...


@dataclass
class Window:
    ends_s: float
    spent_tokens: int = 0


class LocalBudgets:
    """The accounts of one process."""

    def __init__(self, rules: Rules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules, self._clock = rules, clock
        self._windows: dict[str, Window] = {}
        self._streams = defaultdict[str, set[str]](set)

    async def enter(self, user: str, stream: str) -> Left:
        """Take a place for a stream, or say what refuses it."""
        left = self._left(user)
        if not left.tokens:
            return left._replace(refused="budget")
        if len(self._streams[user]) >= self._rules.streams:
            return left._replace(refused="streams")
        self._streams[user].add(stream)
        return left

    async def charge(self, user: str, tokens: int) -> Left:
        """Take tokens off; an answer may take more than was left, and the rest is lost to us."""
        self._forget()
        opened = Window(self._clock() + self._rules.window_s)
        self._windows.setdefault(user, opened).spent_tokens += tokens
        return self._left(user)

    async def leave(self, user: str, stream: str) -> None:
        """Give a place back; one that was never taken changes nothing."""
        self._streams[user].discard(stream)
        if not self._streams[user]:
            del self._streams[user]

    async def close(self) -> None:
        """Hold nothing, so close nothing."""

    def __len__(self) -> int:
        """Count the users that it knows anything of."""
        return len({*self._windows, *self._streams})

    def _left(self, user: str) -> Left:
        self._forget()
        window = self._windows.get(user)
        if window is None:
            return Left(self._rules.budget_tokens, 0.0)
        tokens = max(0, self._rules.budget_tokens - window.spent_tokens)
        return Left(tokens, window.ends_s - self._clock())

    def _forget(self) -> None:
        """Drop the windows that are over: all are as long, so the oldest end first."""
        while self._windows:
            user, oldest = next(iter(self._windows.items()))
            if oldest.ends_s > self._clock():
                return
            del self._windows[user]
