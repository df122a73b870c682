"""One HTTP answer, parsed from exactly the bytes that a reader took from its socket."""

import h11

from workshop_lib.pipe.crowd.body import Body, error_text
from workshop_lib.pipe.crowd.call import Call

LONGEST_ERROR_BYTES = 4096


class NoAnswer(Exception):
    """The connection ended, or spoke no HTTP, before the answer was whole."""


class Answer:
    """Follows an answer through its head and body; `ended` when its framing says so."""

    def __init__(self, call: Call, prompt: str, end_mark: str) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self.request = call.request(self._http, prompt)
        self.status: int | None = None
        self.body = Body(end_mark)
        self.ended = False
        self._error_body = b""

    @property
    def error(self) -> str | None:
        """The error the server told, by its status or in the body."""
        if self.status is None or self.status < 400:
            return self.body.error
        said = error_text(self._error_body) or self._error_body.decode(errors="replace").strip()
        return f"HTTP {self.status}: {said[:300]}" if said else f"HTTP {self.status}"

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the wire, b"" at their end; raises NoAnswer."""
        try:
            self._http.receive_data(data)
            while not self.ended:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    return
                self._take(event)
        except h11.RemoteProtocolError as problem:
            raise NoAnswer(self._what_happened(data, problem)) from None

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Response):
            self.status = event.status_code
        elif isinstance(event, h11.Data):
            self.body.feed(bytes(event.data))
            if self.status and self.status >= 400:
                self._error_body = (self._error_body + event.data)[:LONGEST_ERROR_BYTES]
        elif isinstance(event, h11.EndOfMessage):
            self.body.end()
            self.ended = True
        elif isinstance(event, h11.ConnectionClosed):
            raise NoAnswer("the server closed the connection without an answer")

    def _what_happened(self, data: bytes, problem: Exception) -> str:
        if data:
            return f"the server's answer is not HTTP ({problem})"
        if self.status is None:
            return "the server closed the connection without an answer"
        return "the server closed the connection in the middle of its answer"
