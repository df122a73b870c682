"""What the body of an answer says, whatever its framing: tokens, the mark at its end, errors."""

import json
from typing import Any, cast

from workshop_lib.pipe.tokens import TokenOrder, TokenScanner

LONGEST_LINE_BYTES = 65536


class Body:
    """Scans a body that comes in pieces cut anywhere."""

    def __init__(self, end_mark: str = "[DONE]") -> None:
        self.bytes = 0
        self.order = TokenOrder()
        self.complete = False
        self.error: str | None = None
        self._scanner = TokenScanner()
        self._end_mark = end_mark.encode()
        self._tail = b""
        self._line = b""

    def feed(self, data: bytes) -> None:
        """Take the next piece of the decoded body."""
        self.bytes += len(data)
        for number in self._scanner.feed(data):
            self.order.note(number)
        if not self.complete:
            seen = self._tail + data
            self.complete = self._end_mark in seen
            self._tail = seen[-len(self._end_mark) :]
        self._look_for_errors(data)

    def forget_after(self, tokens: int) -> None:
        """Take up a new connection: of the old one only so many tokens came in whole events."""
        self.order.tokens, self.order.highest_token = tokens, tokens - 1
        self._scanner, self._tail, self._line = TokenScanner(), b"", b""

    def end(self) -> None:
        """Take the end of the body, which also ends its last line."""
        self._look_for_errors(b"\n")

    def _look_for_errors(self, data: bytes) -> None:
        if b"\n" not in data:
            if len(self._line) < LONGEST_LINE_BYTES:
                self._line += data
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            if b"rror" in line and self.error is None:
                self.error = error_text(line)


def error_text(line: bytes) -> str | None:
    """Return the error that a line of SSE, NDJSON or plain JSON tells, or None."""
    try:
        said: Any = json.loads(line.strip().removeprefix(b"data:"))
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    fields = cast(dict[str, Any], said)
    error = fields.get("error") or fields.get("errorText")
    if not isinstance(error, dict):
        return str(error) if error else None
    inner = cast(dict[str, Any], error)
    return ": ".join(str(inner[key]) for key in ("code", "message") if inner.get(key)) or str(inner)
