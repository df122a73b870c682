"""The local model with its weights, behind the production server; `make test-all` runs it.

Counts judge: whether the model works for a reader is told by what it generates for another one
meanwhile. It must be those tokens, and no more.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.conftest import missing
from tests.mechanism import call, gone, nothing_left, read_all
from workshop_lib.pipe.app_process import AppProcess
from workshop_lib.pipe.local_model import LocalModel, NotInstalled
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sse import SseParser

pytestmark = [pytest.mark.long, pytest.mark.measures]

STEP4 = "servers.step4_production"
COLOURS = json.dumps({"prompt": "Name the three primary colours."})
CONTROL_TOKENS = 40
ENDLESS: dict[str, Any] = {"ignore_eos": True, "temperature": 0}  # until the context is full
SMALL_BYTES = 2048
ANSWER_TOKENS = 1900  # at least, of an endless one
PATIENCE_S = 300


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Iterator[LocalModel]:
    """The model's process, with the options of the test's parameter."""
    try:
        with nothing_left(), LocalModel(sndbuf=2 * SMALL_BYTES, **request.param) as started:
            yield started
        assert gone(started.pid)
    except NotInstalled:
        missing("the extra is not installed: run `python3 .ci/install.py model`")


def events_of(body: bytes) -> list[str]:
    """Return the data of the events behind the head of an answer that came in chunks."""
    return [event.data for event in SseParser().push(unchunked(body.partition(b"\r\n\r\n")[2]))]


def unchunked(body: bytes) -> bytes:
    """Undo chunked transfer coding (RFC 9112, 7.1)."""
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        whole, body = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return whole


def control(model: LocalModel) -> int:
    """Let the model generate for somebody else; return what it has generated beside that."""
    before = model.tokens()
    with OpenAI(base_url=model.base_url, api_key="x") as client:
        answer = client.chat.completions.create(
            model="x", max_tokens=CONTROL_TOKENS, messages=[{"role": "user", "content": "Count."}]
        )
    assert answer.usage and answer.usage.completion_tokens == CONTROL_TOKENS
    return model.tokens() - before - CONTROL_TOKENS


def generated_at_rest(model: LocalModel) -> int:
    """Return what the model has generated before and beside this, once it does no more."""
    deadline_s = time.monotonic() + PATIENCE_S
    controls = 1
    while control(model) or model.working_for():
        controls += 1
        assert time.monotonic() < deadline_s, "the model works on, for whom?"
    return model.tokens() - controls * CONTROL_TOKENS


@pytest.mark.parametrize("model", [{"temperature": 0}], indirect=True)
def test_an_answer_comes_through_the_production_server_token_by_token(model: LocalModel):
    with ServerProcess([sys.executable, "-m", STEP4], env=model.env) as server:
        events = events_of(read_all(call(server.port, COLOURS)))
    assert events[-1] == "[DONE]"  # which the server sends only after a finish_reason
    texts = [json.loads(event)["token"] for event in events[:-1]]
    assert "blue" in "".join(texts).lower()
    assert model.tokens() - len(texts) == 1  # the one that ends the answer has no text
    with OpenAI(base_url=model.base_url, api_key="x") as client:
        asked: Any = [{"role": "user", "content": "Name the three primary colours."}]
        chunks = list(client.chat.completions.create(model="x", messages=asked, stream=True))
    assert [c.choices[0].delta.content for c in chunks if c.choices[0].delta.content] == texts
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", [ENDLESS], indirect=True)
def test_a_reader_that_leaves_stops_the_model(model: LocalModel):
    with ServerProcess([sys.executable, "-m", STEP4], env=model.env) as server:
        with call(server.port, COLOURS) as sock:
            wait_for_text(sock)
            assert control(model) > 0  # it works for the reader
        assert generated_at_rest(model) < ANSWER_TOKENS / 2


def wait_for_text(sock: socket.socket) -> None:
    """Return when the first token is here."""
    body = b""
    while b'"token"' not in body:
        body += sock.recv(1)


@pytest.mark.parametrize("model", [ENDLESS], indirect=True)
def test_a_reader_that_does_not_read_holds_the_model_back(model: LocalModel):
    env = model.env | {"STALL_S": "600"}  # the server shall wait for its reader
    sizes: dict[str, Any] = {"sndbuf": SMALL_BYTES, "rcvbuf": 16384, "high_water_bytes": 0}
    with AppProcess(STEP4, env=env, **sizes) as server:
        sock = call(server.port, COLOURS, SMALL_BYTES)
        held = generated_at_rest(model)
        events = events_of(read_all(sock))
        assert events[-1] == "[DONE]"
        assert 0 < held < ANSWER_TOKENS / 2 < len(events) / 2  # there was more to come, and it came
        assert not server.errors
