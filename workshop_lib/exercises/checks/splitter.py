"""Does a splitter hear what a browser hears, wherever the chunks are cut?"""

import inspect
from collections.abc import Iterator
from typing import Any

from workshop_lib.exercises.calling import watched
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.sse_corpus import HandCase, hand_cases, reading
from workshop_lib.pipe.sse_corpus.random_cases import random_cases

RANDOM_CASES, SEED = 3000, 4
BATCH = 100
MOST_EVENTS = 1000
SOON = [b"data: a\n\n", b"data: b\n\n", b"data: c\n\n"]
GO_ON = "Let its loop end when the chunks end, and yield each event once."

ADVICE = {
    "9.2.5 end-of-line": (
        "A line ends with LF, CR or CRLF, nothing else, and a chunk may end between CR and LF."
    ),
    "9.2.5 bom": (
        "One byte order mark at the very start is no text, in however many chunks it comes; any "
        "other one is."
    ),
    "9.2.5 UTF-8 decode": (
        "A chunk may end inside a character: a decoder that keeps the rest for the next chunk is "
        "codecs.getincrementaldecoder."
    ),
    "9.2.6 a line that starts with a colon": (
        "A line that begins with a colon is a comment, wherever it stands: skip the line."
    ),
    "9.2.6 a line that contains a colon": (
        "A field's name ends at the first colon; of its value one space is removed, no more."
    ),
    "9.2.6 a line without a colon": "A line without a colon is a field whose value is empty.",
    "9.2.6 field data": "A value stays as it is; LF joins the lines of data in one block.",
    "9.2.6 dispatch the event": "A blank line ends an event; without a line of data there is none.",
    "9.2.6 end of file": "What no blank line has ended when the stream ends is no event.",
}
NO_DATA = "Only fields named data make an event; the others are passed over here."


async def judge_splitter(attempt: Any) -> str:
    if not inspect.isfunction(attempt):
        raise NotYet(
            f"The check got {attempt!r}. Give it your function by its name, without parentheses."
        )
    hand = hand_cases()
    heard = _heard(attempt, [case.chunks for case in hand])
    pairs = zip(hand, heard, strict=True)
    wrong = [(case, data) for case, data in pairs if data != _data(case.expected)]
    if wrong:
        wrong.sort(key=lambda pair: pair[0].rule not in ADVICE)  # of data first
        raise NotYet(_first_of(wrong, len(hand)))
    _check_soon(attempt)
    _check_random(attempt)
    return (
        f"It hears what a browser hears in {len(hand)} cases made by hand and in "
        f"{RANDOM_CASES:,} made by chance, and yields an event with the chunk that completes it."
    )


def _first_of(wrong: list[tuple[HandCase, list[Any]]], cases: int) -> str:
    case, data = wrong[0]
    return (
        f"{cases - len(wrong)} of {cases} cases are right. The first that is not is «{case.name}» "
        f"(the HTML standard, {case.rule}): {_difference(case.chunks, data)} "
        f"{ADVICE.get(case.rule, NO_DATA)}"
    )


def _check_soon(attempt: Any) -> None:
    """Every event has to come before the next chunk is asked for."""
    followed = watched(attempt, lambda: _followed(attempt, SOON), GO_ON)
    for number, (chunks_taken, data) in enumerate(followed, 1):
        if chunks_taken > number:
            raise NotYet(
                f"The event {data!r} was complete with chunk {number}, and came out when "
                f"{chunks_taken} chunks had been taken. Nobody would see a word before the end: "
                "yield an event as soon as its blank line is there."
            )


def _check_random(attempt: Any) -> None:
    cases = random_cases(RANDOM_CASES, SEED)
    pairs = zip(cases, _heard(attempt, cases), strict=True)
    wrong = [(chunks, data) for chunks, data in pairs if data != _data(reading(chunks))]
    if wrong:
        shortest = min(wrong, key=lambda pair: sum(map(len, pair[0])))
        raise NotYet(
            f"All cases made by hand are right, and {RANDOM_CASES - len(wrong):,} of "
            f"{RANDOM_CASES:,} made by chance. The shortest that is not: "
            f"{_difference(*shortest)} Which rule is it?"
        )


def _difference(chunks: list[bytes], heard: list[Any]) -> str:
    cut = " + ".join(map(repr, chunks)) or "an empty stream"
    return f"from {cut} a browser hears {_data(reading(chunks))!r}, and your function {heard!r}."


def _heard(attempt: Any, streams: list[list[bytes]]) -> list[list[Any]]:
    """Return the data that the function hears of each stream, a batch at a time in its thread."""
    heard: list[list[Any]] = []
    for start in range(0, len(streams), BATCH):
        batch = streams[start : start + BATCH]
        heard += watched(attempt, lambda batch=batch: [_all(attempt, one) for one in batch], GO_ON)
    return heard


def _all(attempt: Any, chunks: list[bytes]) -> list[Any]:
    return [data for _, data in _followed(attempt, chunks)]


def _followed(attempt: Any, chunks: list[bytes]) -> list[tuple[int, Any]]:
    """Return each event's data, and after how many chunks it came."""
    taken = 0

    def giving() -> Iterator[bytes]:
        nonlocal taken
        for chunk in chunks:
            taken += 1
            yield chunk

    found: list[tuple[int, Any]] = []
    for data in _iterated(attempt(giving())):
        found.append((taken, data))
        if len(found) > MOST_EVENTS:
            raise NotYet(f"Your function yields events without end. {GO_ON}")
    return found


def _iterated(events: Any) -> Iterator[Any]:
    if not hasattr(events, "__iter__"):
        raise NotYet(f"Your function returned {events!r}. Let it yield the data of each event.")
    return iter(events)


def _data(found: dict[str, Any]) -> list[str]:
    return [event["data"] for event in found["events"]]
