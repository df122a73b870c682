"""The lean relay keeps the contract of every step, and does what step3 does in the same runs."""

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from servers import lean_relay
from tests.mechanism import ask, call, nothing_left, read_all, until
from tests.test_servers import events, parts, tokens_of
from workshop_lib.experiment import KERNELS_OWN, Experiment
from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.verdict import judge

COMMAND = [sys.executable, "-m", "servers.lean_relay"]
TOKENS = 20


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=0, answer_tokens=TOKENS) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture(scope="module")
def server(llm: FakeLLM) -> Iterator[ServerProcess]:
    with ServerProcess(COMMAND, env=llm.env) as server:
        yield server


@pytest.fixture(autouse=True)
def no_fault(llm: FakeLLM) -> None:
    llm.set(tokens_per_s=0, answer_tokens=TOKENS, text="plain", fault="", fault_at=0)


@pytest.mark.parametrize("text", ["plain", "multibyte"])
def test_a_whole_answer_ends_with_done(server: ServerProcess, llm: FakeLLM, text: str):
    llm.set(text=text, answer_tokens=2000)  # more than one read
    status, fields, body = parts(read_all(ask(server.port)))
    assert (status, fields["content-type"]) == (200, "text/event-stream")
    said = events(body)
    assert said[-1] == "[DONE]"
    assert [int(text[1:].rstrip("…. ")) for text in tokens_of(said[:-1])] == list(range(2000))


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "{}", '{"prompt": 7}'])
def test_what_is_no_prompt_is_refused(server: ServerProcess, body: str):
    status, _, answer = parts(read_all(call(server.port, body)))
    assert status == 400
    assert '{"prompt": "Hello"}' in json.loads(answer)["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limit", 429, "busy"),
        ("server_error", 502, "llm_failed"),
        ("unauthorized", 502, "llm_failed"),
    ],
)
def test_the_llms_refusal_is_a_status_of_its_own(
    server: ServerProcess, llm: FakeLLM, fault: str, status: int, code: str
):
    llm.set(fault=fault)
    got, fields, body = parts(read_all(ask(server.port)))
    assert (got, fields["content-type"]) == (status, "application/json; charset=utf-8")
    assert json.loads(body)["error"]["code"] == code
    assert b"key" not in body  # what a provider says names accounts and keys


def test_an_llm_that_is_not_there_is_a_status_too():
    env = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "none"}
    with ServerProcess(COMMAND, env=env) as server:
        status, _, body = parts(read_all(ask(server.port)))
    assert (status, json.loads(body)["error"]["code"]) == (502, "llm_failed")


@pytest.mark.parametrize("fault", ["error_event", "cut", "garbage", "early_end"])
def test_an_answer_that_breaks_off_ends_with_an_error_event(
    server: ServerProcess, llm: FakeLLM, fault: str
):
    llm.set(fault=fault, fault_at=7)
    status, _, body = parts(read_all(ask(server.port)))
    said = events(body)
    assert status == 200
    assert "[DONE]" not in said
    assert said[-1]["error"]["code"] == "llm_failed"
    assert len(tokens_of(said)) == 7
    assert sum("error" in one for one in said) == 1


def test_a_character_cut_in_two_reads_comes_whole(server: ServerProcess, llm: FakeLLM):
    llm.set(fault="split")
    said = events(parts(read_all(ask(server.port)))[2])
    assert said[-1] == "[DONE]"
    assert all("…" in token for token in tokens_of(said[:-1]))


@pytest.mark.skipif(kernel_queues() is None, reason="this system does not show kernel queues")
def test_stalled_readers_make_the_llm_stop():
    with nothing_left():
        recording = Experiment(
            COMMAND, 4, {"stalled": 3, "steady": 1}, tokens_per_s=100, token_bytes=16_000,
            seconds=6, time_lapse=5,
        ).run_blocking()  # fmt: skip
    verdict = judge(recording)
    assert verdict.outcome == "bounded", verdict
    assert (recording.errors, recording.complaints) == ([], [])


@pytest.mark.parametrize(("mix", "knobs"), [("leaver:10", {}), ("leaver:0", {"fault": "silence"})])
def test_the_llm_stops_for_readers_that_have_left(mix: str, knobs: dict[str, Any]):
    with nothing_left():
        recording = Experiment(
            COMMAND, 6, {mix: 4, "steady": 2}, tokens_per_s=100, seconds=4,
            buffers=KERNELS_OWN, time_lapse=2, knobs=knobs,
        ).run_blocking()  # fmt: skip
    verdict = judge_leaving(recording)
    assert verdict.outcome == "stopped", verdict
    assert (recording.errors, recording.complaints) == ([], [])


def test_a_reader_that_leaves_before_the_llm_says_anything(server: ServerProcess, llm: FakeLLM):
    llm.set(fault="silence_before_headers")
    with ask(server.port):
        until(lambda: llm.totals().open == 1)
    until(lambda: llm.totals().open == 0, 10)


def test_it_fits_on_a_screen_and_says_how_it_is_run():
    source = inspect.getsource(lean_relay)
    assert len(source.splitlines()) <= 80
    assert "python -m servers.lean_relay" in source
