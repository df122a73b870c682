"""What the tests of the production servers share: settings for one, requests, and its answers."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from openai import AsyncOpenAI

from servers import step4_production
from servers.common import make_app
from servers.heartbeats import HEARTBEAT
from tests.mechanism import SAFETY_S, read_all
from tests.test_servers import parts
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL, connecting_socket

QUICK: dict[str, Any] = {"tokens_per_s": 0, "answer_tokens": 20, "token_bytes": 5}
HEALTHY = QUICK | {"first_token_s": 0, "fault": "", "fault_at": 0}
ENDLESS: dict[str, Any] = {"tokens_per_s": 200, "answer_tokens": 100_000}
# more than all sockets on the way take, so that its reader can stall
LARGE: dict[str, Any] = {"tokens_per_s": 0, "answer_tokens": 100_000, "token_bytes": 1000}
JSON = "Content-Type: application/json"


@contextmanager
def serving(
    llm: FakeLLM,
    env: Mapping[str, str] | None = None,
    step: ModuleType = step4_production,
    **knobs: Any,
) -> Iterator[ServerThread]:
    """Serve with these settings, small buffers, and knobs turned for all that is asked."""
    llm.set(**HEALTHY | knobs)
    with ServerThread(
        lambda: make_app(step.chat, lambda: AsyncOpenAI(max_retries=0)),
        env={**llm.env, **(env or {})},
        sndbuf=SMALL.server_sndbuf,
    ) as server:
        yield server
        assert server.errors == []


def send(port: int, head: str, body: bytes = b"", rcvbuf: int = 0) -> socket.socket:
    """Send a request line with further lines and a body as they are, and read nothing yet."""
    sock = connecting_socket(rcvbuf)
    sock.settimeout(SAFETY_S)
    sock.connect(("127.0.0.1", port))
    lines = [*head.splitlines(), "Host: x", "Connection: close"]
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return sock


def post(port: int, body: bytes, *lines: str, rcvbuf: int = 0) -> socket.socket:
    """Send a body to /chat, with its length."""
    head = ["POST /chat HTTP/1.1", f"Content-Length: {len(body)}", *(lines or (JSON,))]
    return send(port, "\n".join(head), body, rcvbuf)


def refused(answer: socket.socket) -> tuple[int, dict[str, str], dict[str, str]]:
    """Read a refusal to its end: status, fields, and the error that its JSON tells."""
    status, fields, body = parts(read_all(answer))
    assert fields["content-type"] == "application/json; charset=utf-8"
    error = json.loads(body)["error"]
    assert error["message"].endswith(".")
    return status, fields, error


def without_heartbeats(body: bytes) -> bytes:
    return body.replace(HEARTBEAT, b"")


def read_until(sock: socket.socket, mark: bytes, times: int = 1) -> bytes:
    """Read until a mark has come so often."""
    data = b""
    while data.count(mark) < times:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data
