"""A crowd's mix of habits, dealt out to readers that come one by one, in many processes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count

from workshop_lib.pipe.crowd.mix import habit_of


def shares_of(text: str) -> dict[str, float]:
    """Read `steady=0.8,stalled:20=0.2`; raises ValueError with what is possible."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        habit, equals, share = part.strip().partition("=")
        habit_of(habit)
        shares[habit] = _share(share, part) if equals else 1.0
    return shares


def dealt(shares: Mapping[str, float]) -> Iterator[str]:
    """Yield habits for ever; at any moment each has been dealt by its share, give or take one."""
    given = dict.fromkeys(shares, 0)
    whole = sum(shares.values())
    for number in count(1):
        habit = max(shares, key=lambda one: shares[one] * number / whole - given[one])
        given[habit] += 1
        yield habit


def _share(text: str, part: str) -> float:
    with suppress(ValueError):
        if 0 < (share := float(text)) < float("inf"):
            return share
    raise ValueError(
        f"{part.strip()!r} gives a habit no share above 0. Write the mix like "
        "steady=0.8,stalled:20=0.2."
    )
