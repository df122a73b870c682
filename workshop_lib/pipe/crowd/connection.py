"""A reader's socket and what was taken from it, whoever waits for it: asyncio, or another tool."""

import re
import socket
import struct

from workshop_lib.pipe.crowd.clock import Clock

PEEK_BYTES = 4096

_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Connection:
    """Counts every byte taken from one non-blocking socket, and never takes one too many."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._head_tail: bytes = b""
        self.wire_bytes: int = 0
        self.clock = Clock()

    def end_sending(self) -> None:
        """Tell the other end that nothing more is sent; it may still be received from."""
        self._sock.shutdown(socket.SHUT_WR)

    def problem(self) -> OSError | None:
        """Ask the kernel whether the connection broke, without reading from it."""
        code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(code, "") if code else None

    def close(self, reset: bool = False) -> None:
        """Close the connection; with `reset` the server gets one even if all was read."""
        self.clock.stop()
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._sock.close()

    def _peek(self) -> bytes:
        return self._sock.recv(PEEK_BYTES, socket.MSG_PEEK)

    def _take_head(self, peeked: bytes) -> bytes:
        """Take what was peeked at, up to the end of the HTTP head at most."""
        end = _HEAD_END.search(self._head_tail + peeked)
        wanted = end.end() - len(self._head_tail) if end else len(peeked)
        data = self._sock.recv(wanted) if peeked else b""
        self._head_tail = b"" if end else data[-3:]
        self.wire_bytes += len(data)
        return data
