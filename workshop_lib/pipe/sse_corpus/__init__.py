"""One corpus for every SSE reader: the hand cases, and how what was read of one is written down.

A chunk is written with one character for each byte, so that it may end inside a character of UTF-8
(`"\\u00e2\\u0082"` is two thirds of a euro sign); what is expected stands there as text.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop_lib.pipe.sse import SseParser

HAND_CASES = Path(__file__).parent / "cases.json"

Reading = dict[str, Any]


@dataclass(frozen=True)
class HandCase:
    """A stream named after what it is about, its rule in the standard, and what is read of it."""

    name: str
    rule: str
    chunks: list[bytes]
    expected: Reading


def hand_cases() -> list[HandCase]:
    """Return the cases of cases.json, which vitest runs as well."""
    return [
        HandCase(
            case["name"],
            case["rule"],
            [as_bytes(chunk) for chunk in case["chunks"]],
            expected_of(case),
        )
        for case in json.loads(HAND_CASES.read_text(encoding="utf-8"))
    ]


def expected_of(case: dict[str, Any]) -> Reading:
    """Return the reading a case states; an id or a retry it does not name was never set."""
    return {
        "events": case["events"],
        "lastEventId": case.get("lastEventId", ""),
        "retryMs": case.get("retryMs"),
    }


def as_text(chunk: bytes) -> str:
    return chunk.decode("latin-1")


def as_bytes(chunk: str) -> bytes:
    return chunk.encode("latin-1")


def reading(chunks: Sequence[bytes]) -> Reading:
    """Return what the Python reader makes of a stream that comes in these chunks."""
    parser = SseParser()
    events = [
        {"type": event.type, "data": event.data, "lastEventId": event.last_event_id}
        for chunk in chunks
        for event in parser.push(chunk)
    ]
    return {"events": events, "lastEventId": parser.last_event_id, "retryMs": parser.retry_ms}
