"""Chunked transfer coding (RFC 9112, section 7.1), taken off while the bytes come in."""

import re
from collections.abc import Iterator

LONGEST_FRAME_BYTES = 16384

# Possessive: a frame that comes byte by byte is looked at again with each of them.
_SIZE = rb"([0-9A-Fa-f]{1,15}+)[ \t]*+(?:;[^\r\n]*+)?\r\n"
_FIRST = re.compile(_SIZE)
_NEXT = re.compile(rb"\r\n" + _SIZE)
_TRAILERS = re.compile(rb"(?:[^\r\n]++\r\n)*+\r\n")
_CUT_OFF = re.compile(rb"(?:\r|(?:\r\n)?[^\r\n]*+\r?)\Z")


class BadFraming(ValueError):
    """Where a chunk should begin or end there is something else."""


class Chunks:
    """Takes the frames off a body that comes in pieces cut anywhere; `ended` after the last.

    A server sends each token in a chunk of its own, and h11 spends five times as long on one.
    """

    def __init__(self) -> None:
        self.ended = False
        self._frame = _FIRST  # what is due when the chunk is through
        self._left_bytes = 0
        self._held = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the body's bytes in the next piece of the wire; raises BadFraming."""
        data, at = self._held + data, 0
        self._held = b""
        while at < len(data) and not self.ended:
            if self._left_bytes:
                piece = data[at : at + self._left_bytes]
                at += len(piece)
                self._left_bytes -= len(piece)
                yield piece
            elif frame := self._frame.match(data, at):
                at = frame.end()
                self._pass(frame)
            else:
                self._hold(data[at:])
                return

    def _pass(self, frame: re.Match[bytes]) -> None:
        if self._frame is _TRAILERS:
            self.ended = True
            return
        self._left_bytes = int(frame[1], 16)
        self._frame = _NEXT if self._left_bytes else _TRAILERS

    def _hold(self, start: bytes) -> None:
        """Keep the start of a frame until the rest of it comes."""
        possible = self._frame is _TRAILERS or _CUT_OFF.match(start)
        if not possible or len(start) > LONGEST_FRAME_BYTES:
            raise BadFraming(f"a chunk cannot begin with {start[:20]!r}")
        self._held = start
