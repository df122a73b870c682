"""An answer outlives its reader's connection, and is read on where it broke."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from servers import step6_resumable
from servers.common import make_app
from servers.local_replay import LocalReplay
from servers.resuming import REPLAY
from tests.mechanism import nothing_left, read_all, until
from tests.production import ENDLESS, HEALTHY, JSON, LARGE, post, read_until, refused, send, serving
from tests.test_servers import events, parts, tokens_of
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL

TOKENS = HEALTHY["answer_tokens"]
BODY = b'{"prompt": "reader 0"}'
IDS = re.compile(rb"^id: (\S+)\.(\d+)$", re.M)
NUMBERS = re.compile(rb'"#(\d+)')


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


def begun(port: int, mark: bytes) -> tuple[str, bytes]:
    """Begin an answer, read as far as a mark, and break the connection."""
    with post(port, BODY) as reader:
        got = read_until(reader, mark)
    found = re.search(rb"X-Answer-Id: (\S+)\r", got)
    assert found
    return found[1].decode(), got.partition(b"\r\n\r\n")[2]


def resume(port: int, answer: str, last: str | None = None, *lines: str) -> Any:
    head = [f"GET /chat/{answer} HTTP/1.1", *([f"Last-Event-ID: {last}"] if last else []), *lines]
    return send(port, "\n".join(head))


def stop(port: int, answer: str) -> int:
    return parts(read_all(send(port, f"DELETE /chat/{answer} HTTP/1.1")))[0]


def test_events_are_numbered_from_one(llm: FakeLLM):
    with serving(llm, step=step6_resumable) as server:
        _, fields, body = parts(read_all(post(server.port, BODY)))
    assert {name.decode() for name, _ in IDS.findall(body)} == {fields["x-answer-id"]}
    assert [int(number) for _, number in IDS.findall(body)] == list(range(1, TOKENS + 2))
    # an id stands in the block of its event, never alone
    assert all(block.count(b"\n") == 1 for block in body.strip().split(b"\n\n"))


def test_an_answer_is_read_on_after_a_cut(llm: FakeLLM):
    with serving(llm, step=step6_resumable, tokens_per_s=200) as server:
        before = llm.totals().streams
        answer, got = begun(server.port, b'"#3')
        last = IDS.findall(got)[-1][1].decode()
        status, fields, rest = parts(read_all(resume(server.port, answer, f"{answer}.{last}")))
        assert llm.totals().streams == before + 1
    assert (status, fields["x-answer-id"]) == (200, answer)
    assert [int(n) for _, n in IDS.findall(rest)] == list(range(int(last) + 1, TOKENS + 2))
    assert [int(n) for n in NUMBERS.findall(rest)] == list(range(int(last), TOKENS))
    assert events(rest)[-1] == "[DONE]"
