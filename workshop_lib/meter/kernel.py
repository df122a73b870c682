"""What waits in the kernel: the send and receive queue of every TCP connection (Linux)."""

from pathlib import Path
from typing import NamedTuple

Ends = tuple[int, int]  # local port, remote port

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class Queues(NamedTuple):
    """Bytes in one socket; `send` counts what the other end has not acknowledged (proc(5))."""

    send: int
    receive: int


def kernel_queues() -> dict[Ends, Queues] | None:
    """Read the queues of all open connections of this machine; None where it cannot tell.

    The columns are SIOCOUTQ and FIONREAD of tcp(7), for sockets of any process.
    """
    queues: dict[Ends, Queues] = {}
    try:
        for table in _TABLES:
            for line in table.read_text().splitlines()[1:]:
                _, local, remote, _, sizes, *_ = line.split()
                send, receive = sizes.split(":")
                queues[_port(local), _port(remote)] = Queues(int(send, 16), int(receive, 16))
    except OSError:
        return None
    return queues


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
