"""One HTTP answer, parsed from exactly the bytes that a reader took from its socket."""

import zlib
from typing import Self

import h11

from workshop_lib.pipe.crowd.body import Body, error_text
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.chunks import BadFraming, Chunks
from workshop_lib.pipe.crowd.whole import WholeEvents

LONGEST_ERROR_BYTES = 4096
WITHOUT_BODY = (204, 304)
GZIP = 31  # zlib's window bits for data with a gzip head
NAME = "x-answer-id"  # a server that lets a reader come back names its answers so


class NoAnswer(Exception):
    """The connection ended, or spoke no HTTP, before the answer was whole."""


class Answer:
    """Follows an answer through its head and body; `ended` when its framing says so."""

    opening = stopping = b""  # all that HTTP/1.1 says on this connection is the request

    def __init__(self, call: Call, prompt: str, end_mark: str, is_cut: bool = False) -> None:
        self._asked = call, prompt, end_mark
        self._whole = WholeEvents() if is_cut else None
        self._http = h11.Connection(h11.CLIENT)
        self.request = call.request(self._http, prompt)
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = Body(end_mark)
        self.ended = False
        self._may_have_body = call.method != "HEAD"
        self._unpack = bytes  # leaves it as it is
        self._chunks: Chunks | None = None
        self._error_body = b""

    @property
    def end_request(self) -> bytes:
        """The request that ends an answer which outlives its connection; nothing for others."""
        call, prompt, _ = self._asked
        name = self.headers.get(NAME)
        return call.of(name, "DELETE").request(h11.Connection(h11.CLIENT), prompt) if name else b""

    @property
    def error(self) -> str | None:
        """The error the server told, by its status or in the body."""
        if self.status is None or self.status < 400:
            return self.body.error
        said = error_text(self._error_body) or self._error_body.decode(errors="replace").strip()
        return f"HTTP {self.status}: {said[:300]}" if said else f"HTTP {self.status}"

    def again(self) -> Self:
        """Return what follows on a new connection: the rest, or all of it once more."""
        assert self._whole
        call, prompt, end_mark = self._asked
        if name := self.headers.get(NAME):
            call = call.of(name, "GET", self._whole.last_event_id)
        rest = type(self)(call, prompt, end_mark)
        rest.body = self.body
        rest.body.forget_after(self._whole.tokens)
        return rest

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the wire, b"" at their end; raises NoAnswer."""
        try:
            if self._chunks is None:
                self._feed_head(data)
            elif data:
                self._feed_chunks(self._chunks, data)
            else:
                raise BadFraming
        except (h11.RemoteProtocolError, BadFraming, zlib.error) as problem:
            raise NoAnswer(self._what_happened(data, problem)) from None

    def _feed_head(self, data: bytes) -> None:
        """Let h11 follow the head, and a body without chunks."""
        self._http.receive_data(data)
        while not self.ended and self._chunks is None:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                return
            self._take(event)

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Response):
            self.status = event.status_code
            self.headers = {name.decode(): text.decode("latin-1") for name, text in event.headers}
            if (b"content-encoding", b"gzip") in event.headers:
                self._unpack = zlib.decompressobj(GZIP).decompress
            if self._is_chunked(event):
                self._chunks = Chunks()
                self._feed_chunks(self._chunks, self._http.trailing_data[0])
        elif isinstance(event, h11.Data):
            self._take_body(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._end()
        elif isinstance(event, h11.ConnectionClosed):
            raise NoAnswer("the server closed the connection without an answer")

    def _is_chunked(self, head: h11.Response) -> bool:
        has_body = self._may_have_body and head.status_code not in WITHOUT_BODY
        # any other coding than chunked h11 has refused
        return has_body and any(name == b"transfer-encoding" for name, _ in head.headers)

    def _feed_chunks(self, chunks: Chunks, data: bytes) -> None:
        for piece in chunks.feed(data):
            self._take_body(piece)
        if chunks.ended:
            self._end()

    def _take_body(self, piece: bytes) -> None:
        piece = self._unpack(piece)
        self.body.feed(piece)
        if self._whole:
            self._whole.feed(piece)
        if self.status and self.status >= 400:
            self._error_body = (self._error_body + piece)[:LONGEST_ERROR_BYTES]

    def _end(self) -> None:
        self.body.end()
        self.ended = True

    def _what_happened(self, data: bytes, problem: Exception) -> str:
        if data:
            return f"the server's answer is not HTTP ({problem})"
        if self.status is None:
            return "the server closed the connection without an answer"
        return "the server closed the connection in the middle of its answer"
