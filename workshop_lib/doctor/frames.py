"""The body of an answer as frames, whatever its framing: SSE, NDJSON, AI SDK lines, plain text."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workshop_lib.pipe.sse import SseParser

Framing = Literal["sse", "ndjson", "parts", "text"]
Piece = tuple[float, bytes]

SSE_LINE = re.compile(r"(data|event|id|retry)?:")
# The AI SDK's older data stream: a code, a colon, JSON.
PART_LINE = re.compile(r"([0-9a-z]):(.+)", re.DOTALL)
FEWEST_LINES = 3
NAMES = {
    "sse": "server-sent events",
    "ndjson": "NDJSON",
    "parts": "AI SDK data stream parts",
    "text": "plain text",
}


@dataclass(frozen=True)
class Frame:
    """One frame, `at_s` after the request; `content` is its JSON, or None if it is none."""

    at_s: float
    kind: str
    text: str
    content: Any = None


def framing_of(content_type: str, pieces: Sequence[Piece]) -> Framing:
    """Name the framing by what the body looks like; its type decides when there is no body."""
    start = b"".join(data for _, data in pieces)[:65536].decode("utf-8", "replace")
    lines = [line for line in re.split("\r\n|\r|\n", start.removeprefix("\ufeff")) if line.strip()]
    whole = lines[:-1] or lines  # the last one may be cut
    if not whole:
        return "sse" if "event-stream" in content_type else "text"
    if all(SSE_LINE.match(line) for line in whole[:2]) and not PART_LINE.fullmatch(whole[0]):
        return "sse"
    if all(isinstance(_json(_bare(line)), dict | list) for line in whole):
        return "ndjson"
    parts = [PART_LINE.fullmatch(line) for line in whole]
    if all(part and _json(part[2]) is not None for part in parts):
        return "parts"
    return "sse" if "event-stream" in content_type else "text"


def frames_of(framing: Framing, pieces: Sequence[Piece]) -> list[Frame]:
    """Cut the pieces of a body into its frames."""
    if framing == "sse":
        return list(_data_lines(pieces) if lacks_blank_lines(pieces) else _events(pieces))
    if framing == "text":
        return list(_texts(pieces))
    return [_line_frame(framing, at_s, line) for at_s, line in _lines(pieces) if line.strip()]


def _events(pieces: Iterable[Piece]) -> Iterator[Frame]:
    parser = SseParser()
    for at_s, data in pieces:
        for event in parser.push(data):
            kind = "" if event.type == "message" else event.type
            yield Frame(at_s, kind, event.data, _json(event.data))


def lacks_blank_lines(pieces: Sequence[Piece]) -> bool:
    """Tell whether events run into one another: each `data:` line is JSON, and few are events."""
    lines = [frame for frame in _data_lines(pieces) if isinstance(frame.content, dict | list)]
    return len(lines) >= FEWEST_LINES and sum(1 for _ in _events(pieces)) < len(lines) / 2


def _data_lines(pieces: Iterable[Piece]) -> Iterator[Frame]:
    for at_s, line in _lines(pieces):
        if line.startswith("data:"):
            text = line.removeprefix("data:").strip("\r").removeprefix(" ")
            yield Frame(at_s, "", text, _json(text))


def _texts(pieces: Iterable[Piece]) -> Iterator[Frame]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for at_s, data in pieces:
        if text := decoder.decode(data):
            yield Frame(at_s, "", text)


def _lines(pieces: Iterable[Piece]) -> Iterator[tuple[float, str]]:
    line, last_s = "", 0.0
    for frame in _texts(pieces):
        *ended, line = (line + frame.text).split("\n")
        last_s = frame.at_s
        yield from ((last_s, text) for text in ended)
    if line:
        yield last_s, line


def _line_frame(framing: Framing, at_s: float, line: str) -> Frame:
    if framing == "parts" and (part := PART_LINE.fullmatch(line)):
        return Frame(at_s, part[1], part[2], _json(part[2]))
    bare = _bare(line)
    return Frame(at_s, "", bare, _json(bare))


def _bare(line: str) -> str:
    """Take off what a JSON array, or a JSON text sequence (RFC 7464), has around its items."""
    return line.strip().removeprefix("\x1e").strip("[],") if line.strip() not in ("[", "]") else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
