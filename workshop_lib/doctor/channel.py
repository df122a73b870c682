"""The numbered tokens in an answer: where among all that the frames say the text of the LLM is."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from workshop_lib.doctor.frames import Frame
from workshop_lib.pipe.tokens import TokenOrder, TokenScanner

LOOSE_TOKEN = re.compile(r"#(\d{1,12})")
# What tells frames of one sort from those of another, in the formats there are.
SORTS = ("type", "event", "object", "kind", "op")
FEWEST_SNAPSHOTS = 3

Key = tuple[str, ...]
Said = tuple[int, float, str]  # which frame, when, and the text


@dataclass(frozen=True)
class Channel:
    """The text that carries the tokens; `times_s` has when each came, `frames` in which frame.

    `snapshots`: each frame repeats all the text so far. `loose`: tokens were found only by their
    numbers, for what stands around them is gone.
    """

    text: str
    numbers: tuple[int, ...] = ()
    times_s: tuple[float, ...] = ()
    frames: tuple[int, ...] = ()
    snapshots: bool = False
    loose: bool = False

    @property
    def violation(self) -> str | None:
        """Say where first a token is lost, came twice or out of order."""
        order = TokenOrder()
        for number in self.numbers:
            order.note(number)
        return order.violation


def channel_of(frames: Sequence[Frame]) -> Channel:
    """Return the text with the most tokens; a final summary repeats it, and is not it.

    Frames are told apart by sort and place, such as `type` text-delta and `.delta`.
    """
    texts: dict[Key, list[Said]] = {}
    for index, frame in enumerate(frames):
        for key, text in _said(frame):
            texts.setdefault(key, []).append((index, frame.at_s, text))
    channels = [_channel(said) for said in texts.values()]
    return max(channels, key=_worth, default=Channel(""))


def _worth(channel: Channel) -> tuple[int, int]:
    return len(set(channel.numbers)), len(set(channel.frames))


def _said(frame: Frame) -> Iterator[tuple[Key, str]]:
    if frame.content is None or isinstance(frame.content, int | float):
        yield (frame.kind,), frame.text
    elif isinstance(frame.content, dict):
        content = cast(dict[str, Any], frame.content)
        sort = [str(content.get(name, "")) for name in SORTS]
        yield from _leaves((frame.kind, *sort), content)
    else:
        yield from _leaves((frame.kind,), frame.content)


def _leaves(key: Key, content: Any) -> Iterator[tuple[Key, str]]:
    if isinstance(content, str):
        yield key, content
    elif isinstance(content, dict):
        for name, value in cast(dict[str, Any], content).items():
            yield from _leaves((*key, name), value)
    elif isinstance(content, list):
        for value in cast(list[Any], content):
            yield from _leaves((*key, "[]"), value)


def _channel(said: list[Said]) -> Channel:
    snapshots = _are_snapshots([text for _, _, text in said])
    if snapshots:
        said = [
            (index, at_s, text.removeprefix(before))
            for (index, at_s, text), before in zip(
                said, ["", *(text for _, _, text in said)], strict=False
            )
        ]
    whole = "".join(text for _, _, text in said)
    found = list(_found(said))
    loose = list(_found_loosely(said)) if len(found) < 2 else []
    best = loose if len(loose) > len(found) else found
    numbers, times_s, frames = zip(*best, strict=True) if best else ((), (), ())
    return Channel(whole, numbers, times_s, frames, snapshots, best is loose and bool(loose))


def _are_snapshots(texts: list[str]) -> bool:
    grown = all(after.startswith(before) for before, after in pairwise(texts))
    return len(texts) >= FEWEST_SNAPSHOTS and grown and len(texts[0]) < len(texts[-1])


def _found(said: list[Said]) -> Iterator[tuple[int, float, int]]:
    scanner = TokenScanner()
    for index, at_s, text in said:
        yield from ((number, at_s, index) for number in scanner.feed(text.encode()))


def _found_loosely(said: list[Said]) -> Iterator[tuple[int, float, int]]:
    for index, at_s, text in said:
        for found in LOOSE_TOKEN.finditer(text):
            yield int(found[1]), at_s, index
