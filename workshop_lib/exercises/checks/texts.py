"""Does the same text come wherever the reads are cut, and each character as soon as it can?"""

import inspect
import random
from codecs import getincrementaldecoder
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from workshop_lib.exercises.calling import watched
from workshop_lib.exercises.contract import NotYet

TEXT = "Καλημέρα, Grüße, 你好, 🙂 and plain words. "
CUTS, SEED = 200, 11
MOST_BYTES = 7
GO_ON = "Let its loop end when the reads end."


async def judge_texts(attempt: Any) -> str:
    if not inspect.isfunction(attempt):
        raise NotYet(
            f"The check got {attempt!r}. Give it your function by its name, without parentheses."
        )
    streams = [_cut(random.Random(SEED + number)) for number in range(CUTS)]
    followed = watched(attempt, lambda: [list(_follow(attempt, one)) for one in streams], GO_ON)
    for reads, moments in zip(streams, followed, strict=True):
        _compare(reads, moments)
    return (
        f"The text is the same in {CUTS} ways to cut it, and no character came later than the "
        "read that completes it."
    )


def _cut(rng: random.Random) -> list[bytes]:
    data, reads = TEXT.encode(), list[bytes]()
    while data:
        size = rng.randint(1, MOST_BYTES)
        reads.append(data[:size])
        data = data[size:]
    return reads


def _follow(attempt: Any, reads: list[bytes]) -> Iterator[tuple[int, str]]:
    """Yield how many reads had been taken, and the text so far, each time that some came."""
    taken, so_far = 0, ""

    def giving() -> Iterator[bytes]:
        nonlocal taken
        for read in reads:
            taken += 1
            yield read

    pieces = attempt(giving())
    if not hasattr(pieces, "__iter__"):
        raise NotYet(f"Your function returned {pieces!r}. Let it yield the text of each read.")
    for piece in pieces:
        if not isinstance(piece, str):
            raise NotYet(f"Your function yielded {piece!r}. Let it yield text.")
        so_far += piece
        yield taken, so_far


def _compare(reads: list[bytes], moments: list[tuple[int, str]]) -> None:
    decoder = getincrementaldecoder("utf-8")()
    due = list(accumulate(decoder.decode(read) for read in reads))
    text = moments[-1][1] if moments else ""
    if text != TEXT:
        at = next((n for n, pair in enumerate(zip(text, TEXT, strict=False)) if pair[0] != pair[1]),
                  min(len(text), len(TEXT)))  # fmt: skip
        raise NotYet(
            f"After {text[:at][-8:]!r} comes {text[at : at + 3]!r} where {TEXT[at : at + 1]!r} is "
            f"due: its bytes {TEXT[at : at + 1].encode()!r} came in two reads. Keep the first part."
        )
    came = dict(moments)
    for taken, wanted in enumerate(due, 1):
        if len(came.get(taken, "")) < len(wanted) and taken < len(due):
            raise NotYet(
                f"After {taken} of {len(reads)} reads {len(wanted)} characters were complete, and "
                f"{len(came.get(taken, ''))} had come. Yield what is there with each read."
            )
