"""Habits of readers: what each does next, told from what it has seen, without a socket.

A habit is a generator of moves. Whoever drives it carries a move out, brings `Seen` up to date,
and asks for the next one: the crowd does so with asyncio, another load tool in its own way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

AS_MUCH_AS_COMES_BYTES = 65536
# No answer of the workshop's contract has an event this short, so a habit that counts tokens
# never takes one more than it wants.
PIECE_BYTES = 24
BEAT_S = 0.05


@dataclass(frozen=True)
class Read:
    """Read what is there, at most `max_bytes`; wait if there is nothing."""

    max_bytes: int


@dataclass(frozen=True)
class Wait:
    """Do not read for `delay_s`."""

    delay_s: float


@dataclass(frozen=True)
class Stall:
    """Never read again, and keep the socket."""


@dataclass(frozen=True)
class Leave:
    """Close the socket: as a closed tab does, or with a reset."""

    how: Literal["close", "reset"]


@dataclass(frozen=True)
class Stop:
    """Tell the server that no more is wanted, and keep the connection."""


@dataclass(frozen=True)
class Return:
    """Lose the connection, and ask again on a new one."""


Move = Read | Wait | Stall | Leave | Stop | Return


@dataclass
class Seen:
    """What a habit may depend on; `clock_s` stands still while there is nothing to read."""

    clock_s: float = 0.0
    body_bytes: int = 0
    tokens: int = 0


class Habit(Protocol):
    """How a reader reads once it has the response headers."""

    def moves(self, seen: Seen) -> Iterator[Move]: ...


@dataclass(frozen=True)
class Steady:
    """Reads `bytes_per_s` of body after an absolute schedule; 0: all that comes, as it comes."""

    bytes_per_s: float = 0.0

    def due_bytes(self, clock_s: float) -> int:
        """Return how many bytes of body the schedule allows by then."""
        return int(self.bytes_per_s * clock_s)

    def moves(self, seen: Seen) -> Iterator[Move]:
        all_that_comes = Read(AS_MUCH_AS_COMES_BYTES)
        while not self.bytes_per_s:
            yield all_that_comes
        beat_bytes = max(1, int(self.bytes_per_s * BEAT_S))
        while True:
            if (free_bytes := self.due_bytes(seen.clock_s) - seen.body_bytes) >= beat_bytes:
                yield Read(free_bytes)
            else:
                at_s = (seen.body_bytes + beat_bytes) / self.bytes_per_s
                yield Wait(max(0.001, at_s - seen.clock_s))


@dataclass(frozen=True)
class Sleeper:
    """Reads at most `read_bytes`, sleeps `sleep_s`, and so on."""

    read_bytes: int = 1024
    sleep_s: float = 0.1

    def moves(self, seen: Seen) -> Iterator[Move]:
        while True:
            yield Read(max(1, self.read_bytes))
            yield Wait(self.sleep_s)


@dataclass(frozen=True)
class Stalled:
    """Reads the headers and `after_tokens` tokens, never reads again, and keeps the socket."""

    after_tokens: int = 0

    def moves(self, seen: Seen) -> Iterator[Move]:
        yield from _take(self.after_tokens, seen)
        yield Stall()


@dataclass(frozen=True)
class Leaver:
    """Leaves after `after_tokens` tokens, as a closed tab does or with a reset.

    For the `sleep_s` before that it does not read, so that its server may be waiting for it.
    """

    after_tokens: int = 10
    how: Literal["close", "reset"] = "close"
    sleep_s: float = 0.0

    def moves(self, seen: Seen) -> Iterator[Move]:
        yield from _take(self.after_tokens, seen)
        if self.sleep_s:
            yield Wait(self.sleep_s)
        yield Leave(self.how)


@dataclass(frozen=True)
class Stopper:
    """Says after `after_tokens` tokens that it wants no more, and reads what still comes."""

    after_tokens: int = 10

    def moves(self, seen: Seen) -> Iterator[Move]:
        yield from _take(self.after_tokens, seen)
        yield Stop()
        yield from Steady().moves(seen)


@dataclass(frozen=True)
class Returner:
    """Loses its connection after `after_tokens` tokens, and comes back for the rest.

    Where the answer has a name it goes on with what it lacks; else all it can do is to ask again.
    """

    after_tokens: int = 10

    def moves(self, seen: Seen) -> Iterator[Move]:
        yield from _take(self.after_tokens, seen)
        yield Return()
        yield from Steady().moves(seen)


@dataclass(frozen=True)
class Freezer:
    """Stops reading once, after `after_tokens` tokens and for `sleep_s`, then reads on."""

    after_tokens: int = 10
    sleep_s: float = 2.0

    def moves(self, seen: Seen) -> Iterator[Move]:
        yield from _take(self.after_tokens, seen)
        yield Wait(self.sleep_s)
        yield from Steady().moves(seen)


def _take(tokens: int, seen: Seen) -> Iterator[Move]:
    while seen.tokens < tokens:
        yield Read(PIECE_BYTES)
