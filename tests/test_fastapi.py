"""The ladder on FastAPI keeps the contract: broken is broken, fixed is fixed, and who cancels."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mechanism import ask, call, nothing_left, read_all, until
from tests.test_servers import events, parts, tokens_of
from tests.twins import serving_twin, twin
from workshop_lib.experiment import KERNELS_OWN, Experiment
from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL
from workshop_lib.verdict import judge

STEPS = ("step1_broken", "step2_fixed", "step3_cancelling")
TOKENS = 20
LARGE: dict[str, Any] = {"token_bytes": 16_000, "answer_tokens": 100_000, "tokens_per_s": 500}

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM() as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture(scope="module", params=STEPS)
def server(request: pytest.FixtureRequest, llm: FakeLLM) -> Iterator[ServerProcess]:
    with serving_twin(llm, twin("fastapi", request.param)) as server:
        yield server


@pytest.fixture(autouse=True)
def no_fault(llm: FakeLLM) -> None:
    llm.set(
        tokens_per_s=0, answer_tokens=TOKENS, token_bytes=5, fault="", fault_at=0, first_token_s=0
    )


def test_a_whole_answer_ends_with_done(server: ServerProcess):
    status, fields, body = parts(read_all(ask(server.port)))
    assert status == 200
    assert fields["content-type"].startswith("text/event-stream")
    said = events(body)
    assert said[-1] == "[DONE]"
    assert [int(text[1:].rstrip(". ")) for text in tokens_of(said[:-1])] == list(range(TOKENS))


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"prompt": 7}', '"prompt"'])
def test_what_is_no_prompt_is_refused(server: ServerProcess, body: str):
    status, _, answer = parts(read_all(call(server.port, body)))
    assert status == 400
    assert '{"prompt": "Hello"}' in json.loads(answer)["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("rate_limit", 429, "busy"), ("unauthorized", 502, "llm_failed")],
)
def test_the_llms_refusal_is_a_status_of_its_own(
    server: ServerProcess, llm: FakeLLM, fault: str, status: int, code: str
):
    llm.set(fault=fault)
    got, _, body = parts(read_all(ask(server.port)))
    assert (got, json.loads(body)["error"]["code"]) == (status, code)
    assert b"key" not in body


@pytest.mark.parametrize("fault", ["error_event", "cut", "garbage", "early_end"])
def test_an_answer_that_breaks_off_ends_with_an_error_event(
    server: ServerProcess, llm: FakeLLM, fault: str
):
    llm.set(fault=fault, fault_at=7)
    said = events(parts(read_all(ask(server.port)))[2])
    assert "[DONE]" not in said
    assert said[-1]["error"]["code"] == "llm_failed"
    assert len(tokens_of(said)) == 7


@sees_kernel
@pytest.mark.parametrize(
    ("step", "outcome"), [("step1_broken", "growing"), ("step2_fixed", "bounded")]
)
def test_broken_is_broken_and_fixed_is_fixed(step: str, outcome: str):
    recording = Experiment(
        twin("fastapi", step), 4, {"stalled": 3, "steady": 1}, tokens_per_s=100,
        token_bytes=16_000, seconds=5, time_lapse=5,
    ).run_blocking()  # fmt: skip
    verdict = judge(recording)
    assert verdict.outcome == outcome, verdict
    assert (recording.errors, recording.complaints) == ([], [])


def test_the_llm_stops_for_readers_that_have_left():
    recording = Experiment(
        twin("fastapi", "step3_cancelling"), 6, {"leaver:10": 4, "steady": 2}, tokens_per_s=100,
        seconds=3, buffers=KERNELS_OWN, time_lapse=2,
    ).run_blocking()  # fmt: skip
    verdict = judge_leaving(recording)
    assert verdict.outcome == "stopped", verdict


@pytest.mark.parametrize(("step", "closes"), [("step2_fixed", False), ("step3_cancelling", True)])
def test_a_reader_that_leaves_while_it_is_waited_for(llm: FakeLLM, step: str, closes: bool):
    with serving_twin(llm, twin("fastapi", step)) as server:
        llm.set(**LARGE)
        with ask(server.port, rcvbuf=SMALL.reader_rcvbuf):
            seen = [-1]

            def held_back() -> bool:
                seen.append(llm.ledger()[-1].tokens)
                return len(seen) > 30 and seen[-30] == seen[-1] > 0

            until(held_back)
        if closes:
            until(lambda: llm.totals().open == 0, 10)
        else:  # until the garbage collector comes, for which an idle server gives no reason
            time.sleep(1)
            assert llm.totals().open == 1


def test_a_step_runs_alone_and_says_where(llm: FakeLLM):
    command = [sys.executable, "-m", "servers.fastapi.step3_cancelling"]
    env = {"MODEL": "fake-llm?answer_tokens=3"}
    with serving_twin(llm, command, env) as server:
        said = events(parts(read_all(ask(server.port)))[2])
        assert f"127.0.0.1:{server.port}" in server.last_words()
    assert len(tokens_of(said[:-1])) == 3
