"""Ports and connections of processes on this machine, as far as one may see them."""

import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import psutil

CONNECT_TIMEOUT_S = 2.0


def accepts(origin: str) -> bool:
    """Tell whether a connection is accepted there."""
    parts = urlsplit(origin)
    with socket.socket() as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        try:
            probe.connect((parts.hostname, parts.port or 80))
        except OSError:
            return False
    return True


def listening_ports(processes: Sequence[psutil.Process]) -> list[int]:
    """Return the TCP ports that any of these processes listens on, as far as one may see them."""
    held = [one for one in _sockets(processes) if one.status == psutil.CONN_LISTEN]
    return sorted({int(one.laddr[1]) for one in held})


def half_closed(processes: Sequence[psutil.Process], local_port: int) -> bool:
    """Tell whether they hold the connection of a reader that has closed it, and do not see it."""
    waiting = [one for one in _sockets(processes) if one.status == psutil.CONN_CLOSE_WAIT]
    return any(one.raddr and one.raddr[1] == local_port for one in waiting)


def _sockets(processes: Sequence[psutil.Process]) -> Iterator[Any]:
    for process in processes:
        try:
            yield from process.net_connections(kind="tcp")
        except (psutil.Error, OSError):
            continue
