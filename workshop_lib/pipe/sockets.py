"""Socket buffers: asked for before listen and connect, and what the kernel made of it."""

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Buffers:
    """What is asked of the kernel and of asyncio for each connection, in bytes.

    0 leaves a socket to the kernel, which gives megabytes on loopback; `high_water` None leaves
    asyncio's 64 KiB.
    """

    llm_sndbuf: int = 4096
    server_rcvbuf: int = 16384
    server_sndbuf: int = 2048
    reader_rcvbuf: int = 2048
    high_water: int | None = 0


SMALL = Buffers()
KERNELS_OWN = Buffers(0, 0, 0, 0, None)


@dataclass(frozen=True)
class Granted:
    """What the kernel granted a socket, in bytes (Linux reports twice what was asked for)."""

    send_bytes: int
    receive_bytes: int


def granted(sock: socket.socket) -> Granted:
    """Read a socket's buffer sizes back from the kernel."""
    return Granted(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
    )


def listening_socket(host: str = "127.0.0.1", port: int = 0, sndbuf: int = 0) -> socket.socket:
    """Bind and listen; connections inherit `sndbuf` bytes (0: the kernel's own choice).

    Raises OSError, with a sentence, when the port is taken.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sndbuf:  # accepted sockets inherit it, and only if it is set before listen()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        sock.bind((host, port))
        sock.listen(4096)
    except OSError as problem:
        sock.close()
        raise OSError(
            problem.errno,
            f"cannot listen on {host}:{port} ({problem.strerror}). "
            "Stop what uses that port, or take port 0 for a free one",
        ) from None
    sock.setblocking(False)
    return sock


def connecting_socket(rcvbuf: int = 0) -> socket.socket:
    """Make a socket for a reader with `rcvbuf` bytes to receive into (0: the kernel's choice)."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if rcvbuf:  # the window scale is agreed in the handshake: later is too late (tcp(7))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.setblocking(False)
    return sock


def free_port() -> int:
    """Name a TCP port that nobody listens on at this moment."""
    with listening_socket() as sock:
        return int(sock.getsockname()[1])
