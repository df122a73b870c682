"""What it takes to keep the last of each answer for a reader that comes back.

Half of that is ahead of the reader, slow or away: when it is full, the LLM waits. Half is what
the reader has been given, for what a socket has taken may be lost with it. An answer without a
reader is forgotten after a while, and its LLM is stopped.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Bounds:
    """What is kept at most: `answers` times `replay_bytes`, and `resume_s` without a reader.

    `stall_s` is how long a reader may take for one event.
    """

    replay_bytes: int
    resume_s: float
    stall_s: float
    answers: int


AT_ONCE = 100  # events: the reader's place moves when it has been given all of them


class Unavailable(Exception):
    """Why an answer cannot be produced or read on: one of the reasons in unavailable.py."""


class Taken(NamedTuple):
    """The events that come next, and whether they are the last."""

    events: list[bytes]
    are_last: bool


class Replay(Protocol):
    """Keeps answers by name; their events are numbered from 1. Every step raises Unavailable."""

    # for who produces
    async def begin(self, name: str) -> None: ...
    async def forget(self, name: str) -> None: ...
    async def add(self, name: str, number: int, event: bytes) -> bool: ...
    async def end(self, name: str, number: int, event: bytes) -> None: ...
    async def wait_for_room(self, name: str) -> None: ...
    async def look(self, name: str) -> None: ...
    # for who reads
    async def attach(self, name: str, after: int) -> int: ...
    async def take(self, name: str, ticket: int, after: int) -> Taken: ...
    async def wait_for_more(self, name: str, after: int, limit_s: float) -> None: ...
    async def leave(self, name: str, ticket: int) -> None: ...
    # for whoever knows its name
    async def stop(self, name: str) -> None: ...
    async def close(self) -> None: ...
