"""What the tests of the resumable server share: its requests, and what they bring."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from openai import AsyncOpenAI

from servers import step6_resumable
from servers.common import make_app
from servers.local_replay import LocalReplay
from servers.resuming import REPLAY
from tests.mechanism import read_all
from tests.production import HEALTHY, JSON, post, read_until, send
from tests.test_servers import parts
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL

BODY = b'{"prompt": "reader 0"}'
IDS = re.compile(rb"^id: (\S+)\.(\d+)$", re.M)
TEXTS = re.compile(rb'"#(\d+)')


@contextmanager
def serving_replay(
    llm: FakeLLM, env: Mapping[str, str] | None = None, **knobs: Any
) -> Iterator[tuple[ServerThread, LocalReplay]]:
    """Serve with these settings; give the memory of its answers as well."""
    llm.set(**HEALTHY | knobs)
    apps: list[web.Application] = []

    def app() -> web.Application:
        apps.append(make_app(step6_resumable.chat, lambda: AsyncOpenAI(max_retries=0)))
        return apps[0]

    with ServerThread(app, env={**llm.env, **(env or {})}, sndbuf=SMALL.server_sndbuf) as server:
        replay = apps[0][REPLAY]
        assert isinstance(replay, LocalReplay)
        yield server, replay
        assert server.errors == []


def begun(port: int, mark: bytes = b"\r\n\r\n", *lines: str) -> tuple[str, bytes]:
    """Begin an answer, read as far as a mark, and break the connection."""
    with post(port, BODY, JSON, *lines, rcvbuf=SMALL.reader_rcvbuf) as reader:
        got = read_until(reader, mark)
    return answer_in(got), got


def answer_in(head: bytes) -> str:
    found = re.search(rb"X-Answer-Id: (\S+)\r", head)
    assert found, head
    return found[1].decode()


def resuming(port: int, answer: str, after: int | str | None = None, *lines: str) -> socket.socket:
    """Ask for what comes after a number, or after an id."""
    last = f"{answer}.{after}" if isinstance(after, int) else after
    ids = [f"Last-Event-ID: {last}"] if last is not None else []
    return send(port, "\n".join([f"GET /chat/{answer} HTTP/1.1", *ids, *lines]))


def resumed(port: int, answer: str, after: int | str | None = None) -> tuple[int, bytes]:
    """Read on to the end: status and body."""
    status, _, body = parts(read_all(resuming(port, answer, after)))
    return status, body


def stop(port: int, answer: str) -> int:
    return parts(read_all(send(port, f"DELETE /chat/{answer} HTTP/1.1")))[0]


def ids_of(got: bytes) -> list[int]:
    return [int(number) for _, number in IDS.findall(got)]


def texts_of(got: bytes) -> list[int]:
    return [int(number) for number in TEXTS.findall(got)]
