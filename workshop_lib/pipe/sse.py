"""Bytes of a `text/event-stream` to events, as the HTML standard has it (section 9.2).

httpx-sse differs from browsers: once it has seen an id, each comment alone in its block (a
heartbeat) becomes an event without data; a byte order mark hides the first field.
"""

import codecs
import re
from dataclasses import dataclass

LONGEST_EVENT = 16 * 1024 * 1024
END_OF_LINE = re.compile("\r\n|\r|\n")  # str.splitlines() also ends a line at U+2028 and others


@dataclass(frozen=True)
class SseEvent:
    """An event as a browser's `EventSource` gives it to a listener."""

    type: str
    data: str
    last_event_id: str


class SseParser:
    """Parses a stream that comes in chunks cut anywhere.

    An event that the stream leaves unfinished is never returned (9.2.6). The standard sets no
    limit to an event's size: `longest_event`, in characters, is ours.
    """

    retry_ms: float | None = None

    def __init__(self, longest_event: int = LONGEST_EVENT) -> None:
        # 9.2.5: malformed UTF-8 becomes U+FFFD, and one leading byte order mark is removed
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._longest_event = longest_event
        self._line = ""
        self._after_cr = False
        self._data: str | None = None
        self._type = self._id = self._last_event_id = ""

    @property
    def last_event_id(self) -> str:
        """Where to resume: the id of the last block that came whole, be it an event or not."""
        return self._last_event_id

    def push(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that the chunk completes; raises ValueError at one without end."""
        self._check_length()
        lines = END_OF_LINE.split(self._decode(chunk))
        lines[0] = self._line + lines[0]
        self._line = lines.pop()
        events: list[SseEvent] = []
        for line in lines:
            if line:
                self._field(line)
            else:
                events += self._dispatch()
        return events

    def _decode(self, chunk: bytes) -> str:
        text = self._decoder.decode(chunk)
        if not text:
            return ""
        # 9.2.5: CRLF ends one line, also where a chunk ends between the two
        if self._after_cr:
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        return text

    def _field(self, line: str) -> None:
        """Take a line (9.2.6); a comment is a field without a name, and so ignored."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data = value if self._data is None else f"{self._data}\n{value}"
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = float(value)  # int() refuses a number of more than 4,300 digits

    def _dispatch(self) -> list[SseEvent]:
        """Dispatch the event (9.2.6); without data there is none, and yet its id counts."""
        self._last_event_id = self._id
        data, kind = self._data, self._type or "message"
        self._data, self._type = None, ""
        return [] if data is None else [SseEvent(kind, data, self._id)]

    def _check_length(self) -> None:
        if len(self._line) + len(self._data or "") > self._longest_event:
            raise ValueError(
                f"The stream has sent more than {self._longest_event} characters without ending "
                "an event: see that the server sends a blank line after each."
            )
