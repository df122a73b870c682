"""Each answer leaves one line that says what became of it, and prints nothing in the background."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mechanism import ask, read_all, until
from tests.production import ENDLESS, HEALTHY, LARGE, post, read_until, send, serving
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "servers.access")
    return caplog


def line_of(log: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Wait for the one line there is."""
    until(lambda: log.messages)
    (line,) = log.messages
    return json.loads(line)


def test_a_whole_answer(llm: FakeLLM, log: pytest.LogCaptureFixture):
    with serving(llm) as server:
        read_all(ask(server.port))
    line = line_of(log)
    assert 0 <= line.pop("first_token_s") <= line.pop("duration_s")
    assert line == {
        "user": "127.0.0.1", "status": 200, "outcome": "complete",
        "tokens": HEALTHY["answer_tokens"], "heartbeats": 0,
    }  # fmt: skip


@pytest.mark.parametrize("head", ["GET / HTTP/1.1", "GET /chat HTTP/1.1", "POST /other HTTP/1.1"])
def test_what_is_no_answer_has_no_line(llm: FakeLLM, log: pytest.LogCaptureFixture, head: str):
    with serving(llm) as server:
        read_all(send(server.port, head))
        assert not log.messages
        read_all(ask(server.port))
    assert line_of(log)["outcome"] == "complete"


@pytest.mark.parametrize("fault", ["error_event", "cut", "early_end"])
def test_an_answer_that_broke_off(llm: FakeLLM, log: pytest.LogCaptureFixture, fault: str):
    with serving(llm, fault=fault, fault_at=7) as server:
        read_all(ask(server.port))
    line = line_of(log)
    assert (line["status"], line["outcome"], line["tokens"]) == (200, "llm_failed", 7)


@pytest.mark.parametrize(("fault", "status"), [("rate_limit", 429), ("server_error", 502)])
def test_a_refusal(llm: FakeLLM, log: pytest.LogCaptureFixture, fault: str, status: int):
    with serving(llm, fault=fault) as server:
        read_all(ask(server.port))
    line = line_of(log)
    assert (line["status"], line["outcome"], line["first_token_s"]) == (status, "refused", None)


def test_a_reader_that_left(llm: FakeLLM, log: pytest.LogCaptureFixture):
    with serving(llm, **ENDLESS) as server:
        with ask(server.port) as reader:
            read_until(reader, b"#3")
        line = line_of(log)
    assert (line["status"], line["outcome"]) == (200, "left")
    assert line["tokens"] >= 4


def test_a_reader_that_left_before_the_llm_accepted(llm: FakeLLM, log: pytest.LogCaptureFixture):
    with serving(llm, fault="silence_before_headers") as server:
        with ask(server.port):
            until(lambda: llm.totals().open)
        line = line_of(log)
    assert (line["status"], line["outcome"], line["tokens"]) == (499, "left", 0)


@pytest.mark.parametrize(
    ("env", "outcome"), [({"STALL_S": "0.3"}, "stalled"), ({"STREAM_S": "0.5"}, "too_long")]
)
def test_a_reader_that_took_nothing(
    llm: FakeLLM, log: pytest.LogCaptureFixture, env: dict[str, str], outcome: str
):
    with serving(llm, env, **LARGE) as server, ask(server.port, rcvbuf=SMALL.reader_rcvbuf):
        line = line_of(log)
    assert line["outcome"] == outcome


def test_a_defect_of_the_server(
    llm: FakeLLM, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def broken(_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("servers.step4_production.ending", broken)
    with serving(llm) as server:
        read_all(ask(server.port))
        until(lambda: server.errors)
        assert "ZeroDivisionError" in server.errors.pop()
    assert line_of(log)["outcome"] == "failed"


def test_in_the_background_nothing_is_printed(llm: FakeLLM, capfd: pytest.CaptureFixture[str]):
    with serving(llm) as server:
        read_all(ask(server.port))
    assert capfd.readouterr() == ("", "")


def test_alone_it_prints_a_line_for_each(llm: FakeLLM):
    llm.set(**HEALTHY)
    command = [sys.executable, "-m", "servers.step4_production"]
    with ServerProcess(command, env=llm.env) as server:
        read_all(ask(server.port))
        read_all(post(server.port, b"{}"))
        lines = [json.loads(one) for one in server.last_words().splitlines() if one[0] == "{"]
    assert [line["status"] for line in lines] == [200, 400]
