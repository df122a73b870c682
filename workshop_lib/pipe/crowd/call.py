"""The request that a crowd's readers send: any method, path, headers and JSON body."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import quote, urlsplit

import h11

WITHOUT_BODY = ("GET", "DELETE")
HEADERS = {
    "User-Agent": "workshop-crowd",
    "Accept": "text/event-stream",
    "Content-Type": "application/json",
}


@dataclass(frozen=True)
class Call:
    """Where a reader connects to and what it asks; `{prompt}` in path and body is replaced."""

    host: str
    port: int
    address: str
    path: str
    method: str = "POST"
    body: str = '{"prompt": "{prompt}"}'
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    websocket: bool = False

    @classmethod
    def to(cls, url: str, method: str, headers: Mapping[str, str], body: str) -> Self:
        """Build a call from an address; raises ValueError with what is wrong in it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError as problem:
            raise ValueError(f"{url!r} is no address ({problem}). {_EXAMPLE}") from None
        if parts.scheme not in ("http", "ws") or not host:
            raise ValueError(f"{url!r} is no address that a crowd can read. {_EXAMPLE}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        socket_address = _resolved(host, port)
        websocket = parts.scheme == "ws"
        call = cls(host, port, socket_address, path, method, body, dict(headers), websocket)
        call.request(h11.Connection(h11.CLIENT), "reader 0")
        return call

    def named(self, user: str) -> Self:
        """Return the same call in a user's name, as the proxy that knows its users sets it."""
        return replace(self, headers={**self.headers, "X-User": user})

    def of(self, answer: str, method: str, last_event_id: str = "") -> Self:
        """Return the call that reads on an answer that has a name, or ends it."""
        after = {"Last-Event-ID": last_event_id} if last_event_id else {}
        headers = {**self.headers, **after}
        return replace(self, method=method, path=f"{self.path}/{answer}", headers=headers)

    def asking(self, prompt: str) -> str:
        """Return the body, or the first message, for one prompt."""
        return self.body.replace("{prompt}", json.dumps(prompt)[1:-1])

    def request(self, http: h11.Connection, prompt: str) -> bytes:
        """Return the request's bytes for one prompt."""
        body = b"" if self.method in WITHOUT_BODY else self.asking(prompt).encode()
        headers = {"Host": f"{self.host}:{self.port}"} | HEADERS | dict(self.headers)
        headers["Content-Length"] = str(len(body))
        try:
            event = h11.Request(
                method=self.method,
                target=self.path.replace("{prompt}", quote(prompt)),
                headers=list(headers.items()),
            )
            sent = [http.send(event), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage())]
        except (h11.LocalProtocolError, UnicodeError) as problem:
            raise ValueError(
                f"This request cannot be sent ({problem}). Correct its method, path or headers."
            ) from None
        return b"".join(part or b"" for part in sent)


_EXAMPLE = "Give one like http://127.0.0.1:8000/chat (https:// is not read here)."


def _resolved(host: str, port: int) -> str:
    try:
        return str(socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as problem:
        raise ValueError(
            f"No address is known for {host!r} ({problem.strerror}). Correct the name, "
            "or give the IPv4 address."
        ) from None
