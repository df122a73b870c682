"""Streams put together by chance from the pieces that break readers, in chunks of 1-6 bytes."""

import re
from random import Random

BOM = "\ufeff".encode()
# EventSource gives an event only to listeners of its name, so the names are known beforehand.
NAMES = ["message", "token", "done", "error", "open", " token", "tok en", "a:b", "é", "a\0b"]
FIELDS = [b"data"] * 16 + [b"id"] * 4 + [b"retry", b"foo", b"Data", b"dat", b"data ", b"", b""]
COLONS = [b":"] * 3 + [b": "] * 6 + [b":  ", b":\t", b"::", b""]
RETRIES = [b"20", b"007", b"0", b"-1", b"5s", b"", "\u0665".encode()]
ENDS = [b"\n", b"\n", b"\r", b"\r\n"]
STARTS = [b""] * 6 + [BOM, BOM, BOM + BOM, BOM[:2], b"\n", b"\r"]
# Chromium 156 takes an end of line right behind the BOM for the first letter of the next line.
NOT_JUDGED = re.compile(rb"\A%s[\r\n]+" % BOM)
BROKEN = [b"\xff", b"\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90"]
PIECES = [
    *[b"a", b"b", b"1", b"40", b" ", b":", b"data", b"data: ", b"id:", b"\0", b"\t", b"{}"],
    *["é".encode(), "€".encode(), "😀".encode(), "\u2028".encode(), "\u0085".encode(), BOM],
    *BROKEN,
]


def random_cases(count: int, seed: int) -> list[list[bytes]]:
    """Return that many streams as their chunks; the same for the same seed."""
    chance = Random(seed)
    return [cut(stream(chance), chance) for _ in range(count)]


def stream(chance: Random) -> bytes:
    """Return up to 24 lines, of which about every third is blank; the end may be cut off."""
    lines = [line(chance) + chance.choice(ENDS) for _ in range(chance.randint(1, 24))]
    whole = NOT_JUDGED.sub(BOM, chance.choice(STARTS) + b"".join(lines))
    return whole if chance.random() < 0.7 else whole[: chance.randint(0, len(whole))]


def line(chance: Random) -> bytes:
    if chance.random() < 0.35:
        return b""
    if chance.random() < 0.15:
        return b"event" + chance.choice([b":", b": "]) + chance.choice(NAMES).encode()
    field = chance.choice(FIELDS)
    value = chance.choice(RETRIES) if field == b"retry" else some_text(chance)
    return chance.choice([b""] * 30 + [BOM]) + field + chance.choice(COLONS) + value


def some_text(chance: Random) -> bytes:
    return b"".join(chance.choices(PIECES, k=chance.randint(0, 5)))


def cut(whole: bytes, chance: Random) -> list[bytes]:
    """Cut a stream into chunks of 1-6 bytes."""
    chunks: list[bytes] = []
    while whole:
        size = chance.randint(1, 6)
        chunks.append(whole[:size])
        whole = whole[size:]
    return chunks
