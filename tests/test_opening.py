"""The head of a stream goes out before the first token, and tells proxies to hold nothing back."""

from collections.abc import Iterator

import pytest

from tests.mechanism import ask
from tests.production import JSON, post, read_until, serving
from tests.test_servers import parts
from workshop_lib.pipe.fake_llm import FakeLLM


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM() as llm:
        yield llm


def test_the_head_comes_while_the_llm_is_silent(llm: FakeLLM):
    with serving(llm, fault="silence", fault_at=0) as server, ask(server.port) as reader:
        status, fields, _ = parts(read_until(reader, b"\r\n\r\n"))
    assert status == 200
    assert fields["cache-control"] == "no-cache, no-transform"
    assert fields["x-accel-buffering"] == "no"


def test_a_stream_is_never_compressed(llm: FakeLLM):
    with serving(llm) as server:
        body = b'{"prompt": "reader 0"}'
        with post(server.port, body, JSON, "Accept-Encoding: gzip, deflate, br") as reader:
            answer = read_until(reader, b"[DONE]")
    assert b"content-encoding" not in answer.lower()
