"""What waits in the kernel: the send and receive queue of every TCP connection (Linux, macOS)."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

Ends = tuple[int, int]  # local port, remote port

_TABLE, _TABLE6 = Path("/proc/net/tcp"), Path("/proc/net/tcp6")


class Queues(NamedTuple):
    """Bytes in one socket; `send` counts what the other end has not acknowledged (proc(5))."""

    send: int
    receive: int


def kernel_queues(ipv6: bool = True) -> dict[Ends, Queues] | None:
    """Read the queues of all open connections of this machine; None where it cannot tell.

    They are SIOCOUTQ and FIONREAD of tcp(7), for the sockets of any process. Each table takes the
    kernel milliseconds, however few its lines: without `ipv6` only the first is read.
    """
    try:
        if sys.platform == "darwin":
            command = ["netstat", "-an", "-p", "tcp"]
            return from_netstat(subprocess.run(command, capture_output=True, text=True).stdout)
        # tcp6 is missing where IPv6 is switched off
        wanted = [_TABLE, _TABLE6] if ipv6 else [_TABLE]
        tables = [table.read_text() for table in wanted if table.exists()]
        return from_proc("".join(tables)) if tables else None
    except OSError:
        return None


def from_proc(text: str) -> dict[Ends, Queues]:
    """Read Linux's tables: proc(5), columns tx_queue and rx_queue, in hexadecimal."""
    queues: dict[Ends, Queues] = {}
    for line in text.splitlines():
        number, local, remote, _, sizes, *_ = line.split()
        if number != "sl":
            send, receive = (int(size, 16) for size in sizes.split(":"))
            ports = (int(end.rpartition(":")[2], 16) for end in (local, remote))
            queues[next(ports), next(ports)] = Queues(send, receive)
    return queues


def from_netstat(text: str) -> dict[Ends, Queues]:
    """Read macOS's list: protocol, Recv-Q, Send-Q, local and foreign address with `.port`."""
    queues: dict[Ends, Queues] = {}
    for line in text.splitlines():
        columns = line.split()
        if columns and columns[0].startswith("tcp"):
            local, remote = (end.rpartition(".")[2] for end in columns[3:5])
            if local.isdigit() and remote.isdigit():
                queues[int(local), int(remote)] = Queues(int(columns[2]), int(columns[1]))
    return queues
