"""Whom the doctor may call: this machine, and hosts whose owner is known to agree."""

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit


class NotAllowed(Exception):
    """The host is neither this machine nor one that was allowed by name."""


def check_host(url: str, allowed: Collection[str]) -> bool:
    """Return whether the address is of this machine; raises NotAllowed for one nobody allowed.

    Every probe holds connections open and feeds floods: on a stranger's server that is an attack.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", None
    if not host or parts is None:
        raise NotAllowed(f"{url!r} is no address. Give one like http://127.0.0.1:3000/api/chat.")
    if parts.scheme != "http":
        raise NotAllowed(
            f"{url} does not begin with http://, and nothing else is read here. Give the address "
            "of the server itself, behind whatever speaks TLS for it."
        )
    if is_here(host):
        return True
    if host not in allowed:
        raise NotAllowed(
            f"{host} is not this machine, and examining it means to load it. If it is yours, "
            f"say so with --allow-host {host}."
        )
    return False


def is_here(host: str) -> bool:
    """Tell whether every address of a name is a loopback address."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(one).is_loopback for one in found)
