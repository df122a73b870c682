"""Habits as text, and a crowd's mix of them: `{"stalled": 0.8, "steady:400": 0.2}`."""

import math
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from workshop_lib.pipe.crowd.habits import (
    Freezer,
    Habit,
    Leaver,
    Returner,
    Sleeper,
    Stalled,
    Steady,
    Stopper,
)

# A mapping's keys are invariant: without the first of these a plain `dict[str, float]` is no Mix.
Shares = Mapping[str, float] | Mapping[Habit, float] | Mapping[str | Habit, float]
Mix = str | Habit | Shares

KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind
    for kind in (Steady, Sleeper, Stalled, Leaver, Stopper, Returner, Freezer)
}
_POSSIBLE = (
    "Possible are steady, steady:400 (bytes a second), sleeper:1024:0.1 (bytes, seconds), "
    "stalled, stalled:5 (tokens), leaver:10, leaver:10:reset, leaver:10:close:2 (tokens, how, "
    "seconds), stopper:10, returner:10 (tokens), freezer:10:2 (tokens, seconds)."
)


def habit_of(text: str) -> Habit:
    """Read a habit from its text; raises ValueError with what is possible."""
    name, *values = text.strip().split(":")
    kind = KINDS.get(name)
    if kind is None or len(values) > len(fields(kind)):
        raise ValueError(f"{text!r} is no habit of a reader. {_POSSIBLE}")
    pairs = zip(fields(kind), values, strict=False)
    return kind(**{field.name: _value(field.default, value, text) for field, value in pairs})


def text_of(habit: Habit) -> str:
    """Write a habit as text, without the values that are its defaults at the end."""
    values = [(getattr(habit, field.name), field.default) for field in fields(type(habit))]  # type: ignore[arg-type]
    while values and values[-1][0] == values[-1][1]:
        values.pop()
    name = type(habit).__name__.lower()
    return ":".join([name, *(_plain(value) for value, _ in values)])


def habits_for(readers: int, mix: Mix, seed: int) -> list[Habit]:
    """Give each of `readers` its habit, by shares or counts, in an order that `seed` decides."""
    parts: Shares = mix if isinstance(mix, Mapping) else {mix: readers}
    counts = _counts(readers, list(parts.values()))
    habits = [
        habit_of(habit) if isinstance(habit, str) else habit
        for habit, count in zip(parts, counts, strict=True)
        for _ in range(count)
    ]
    random.Random(seed).shuffle(habits)
    return habits


def _counts(readers: int, amounts: list[float]) -> list[int]:
    """Return counts as they are, and shares by the largest remainder."""
    if all(amount >= 0 for amount in amounts):
        if sum(amounts) == readers and all(float(amount).is_integer() for amount in amounts):
            return [int(amount) for amount in amounts]
        if abs(sum(amounts) - 1) < 1e-6:
            counts = [int(amount * readers + 1e-9) for amount in amounts]
            rest = [count - amount * readers for count, amount in zip(counts, amounts, strict=True)]
            by_rest = sorted(range(len(amounts)), key=rest.__getitem__)
            for index in by_rest[: readers - sum(counts)]:
                counts[index] += 1
            return counts
    raise ValueError(
        f"The mix adds up to {sum(amounts):g} and the crowd has {readers} readers. "
        f"Give shares that add up to 1, or numbers of readers that add up to {readers}."
    )


def _value(default: Any, value: str, text: str) -> Any:
    if isinstance(default, str):
        if value in ("close", "reset"):
            return value
    else:
        with suppress(ValueError):
            number: float = type(default)(value)
            if 0 <= number < math.inf:
                return number
    raise ValueError(f"{value!r} does not fit in the habit {text!r}. {_POSSIBLE}")


def _plain(value: Any) -> str:
    return str(value).removesuffix(".0")
