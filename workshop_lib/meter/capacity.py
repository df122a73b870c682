"""How much a connection takes while nobody reads at its other end."""

import socket
import time
from collections.abc import Iterator

from workshop_lib.pipe.sockets import connecting_socket, listening_socket

CONNECT_TIMEOUT_S = 5.0
# Longer than the kernel takes to let a buffer grow.
PATIENCE_S = 0.3
PIECE = bytes(65536)


def swallowed_bytes() -> int:
    """Return what an unread connection on this machine takes, in bytes.

    Its buffers are the kernel's own choice: megabytes on loopback. Takes about a second.
    """
    with listening_socket() as listener, connecting_socket() as reader:
        reader.connect_ex(listener.getsockname())
        listener.settimeout(CONNECT_TIMEOUT_S)
        with listener.accept()[0] as writer:
            writer.setblocking(False)
            return sum(_sends_until_full(writer))


def _sends_until_full(writer: socket.socket) -> Iterator[int]:
    progress_s = time.monotonic()
    while time.monotonic() - progress_s < PATIENCE_S:
        try:
            yield writer.send(PIECE)
            progress_s = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
