"""The twin in Express keeps the contract, and does what step3 does in the same experiments."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mechanism import ask, call, nothing_left, read_all, until
from tests.test_servers import events, parts, tokens_of
from workshop_lib.experiment import KERNELS_OWN, Experiment
from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.node import EXPRESS
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL
from workshop_lib.verdict import judge

STEP3 = str(EXPRESS / "step3_cancelling.mjs")
TOKENS = 20

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=0, answer_tokens=TOKENS) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture(scope="module")
def server(llm: FakeLLM, node: str) -> Iterator[ServerProcess]:
    with ServerProcess([node, STEP3], env=llm.env) as server:
        yield server


@pytest.fixture(autouse=True)
def no_fault(llm: FakeLLM) -> None:
    llm.set(
        tokens_per_s=0, answer_tokens=TOKENS, token_bytes=5, fault="", fault_at=0, first_token_s=0
    )


# -- the contract ---------------------------------------------------------------------------------


def test_a_whole_answer_ends_with_done(server: ServerProcess):
    status, fields, body = parts(read_all(ask(server.port)))
    assert (status, fields["content-type"]) == (200, "text/event-stream")
    said = events(body)
    assert said[-1] == "[DONE]"
    assert [int(text[1:].rstrip(". ")) for text in tokens_of(said[:-1])] == list(range(TOKENS))
    assert len(said) == TOKENS + 1


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "{}", '{"prompt": 7}', '{"prompt": null}', '"prompt"', "\\xff\\xfe"],
)
def test_what_is_no_prompt_is_refused(server: ServerProcess, body: str):
    status, fields, answer = parts(read_all(call(server.port, body)))
    assert (status, fields["content-type"]) == (400, "application/json; charset=utf-8")
    error = json.loads(answer)["error"]
    assert error["code"] == "bad_request"
    assert '{"prompt": "Hello"}' in error["message"]


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
    error = json.loads(body)["error"]
    assert error["code"] == code
    assert error["message"].endswith("Try again.")
    assert b"key" not in body  # what a provider says names accounts and keys


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
    assert said[-1]["error"]["message"].endswith("Try again.")
    assert len(tokens_of(said)) == 7
    assert sum("error" in one for one in said) == 1


# -- readers that leave ---------------------------------------------------------------------------


def freed_and_serving(server: ServerProcess, llm: FakeLLM) -> None:
    """See the LLM's stream closed, and the next reader served whole."""
    until(lambda: llm.totals().open == 0, 10)
    llm.set(tokens_per_s=0, answer_tokens=TOKENS, token_bytes=5, fault="", first_token_s=0)
    assert events(parts(read_all(ask(server.port)))[2])[-1] == "[DONE]"


@pytest.mark.parametrize("silence", [{"fault": "silence"}, {"first_token_s": 600}])
def test_a_reader_that_leaves_before_the_first_token(
    server: ServerProcess, llm: FakeLLM, silence: dict[str, Any]
):
    llm.set(**silence)
    with ask(server.port):
        until(lambda: llm.totals().open == 1)
    freed_and_serving(server, llm)


def test_a_reader_that_leaves_before_the_llm_says_anything(server: ServerProcess, llm: FakeLLM):
    llm.set(fault="silence_before_headers")
    with ask(server.port):
        until(lambda: llm.totals().open == 1)
    freed_and_serving(server, llm)


@pytest.mark.parametrize("half", [False, True], ids=["leaves", "closes its half"])
def test_a_reader_that_leaves_while_the_writer_waits_for_drain(
    server: ServerProcess, llm: FakeLLM, half: bool
):
    llm.set(token_bytes=16_000, answer_tokens=100_000, tokens_per_s=500)
    with ask(server.port, rcvbuf=SMALL.reader_rcvbuf) as reader:
        until(lambda: llm.totals().open == 1)
        seen = [-1]

        def held_back() -> bool:
            seen.append(llm.ledger()[-1].tokens)
            return len(seen) > 30 and seen[-30] == seen[-1] > 0

        until(held_back)
        if half:  # and keeps the socket, without reading
            reader.shutdown(socket.SHUT_WR)
            until(lambda: llm.totals().open == 0, 10)
    freed_and_serving(server, llm)


@sees_kernel
@pytest.mark.parametrize(
    ("step", "outcome"),
    [("step1_broken", "growing"), ("step2_fixed", "bounded"), ("step3_cancelling", "bounded")],
)
def test_stalled_readers_make_the_llm_stop_or_not(node: str, step: str, outcome: str):
    with nothing_left():
        recording = Experiment(
            [node, str(EXPRESS / f"{step}.mjs")], 4, {"stalled": 3, "steady": 1},
            tokens_per_s=100, token_bytes=16_000, seconds=6, time_lapse=5,
        ).run_blocking()  # fmt: skip
    verdict = judge(recording)
    assert verdict.outcome == outcome, verdict
    assert (recording.errors, recording.complaints) == ([], [])


@pytest.mark.parametrize(("mix", "knobs"), [("leaver:10", {}), ("leaver:0", {"fault": "silence"})])
def test_the_llm_stops_for_readers_that_have_left(node: str, mix: str, knobs: dict[str, str]):
    with nothing_left():
        recording = Experiment(
            [node, STEP3], 6, {mix: 4, "steady": 2}, tokens_per_s=100, seconds=4,
            buffers=KERNELS_OWN, time_lapse=2, knobs=knobs,
        ).run_blocking()  # fmt: skip
    verdict = judge_leaving(recording)
    assert verdict.outcome == "stopped", verdict
    assert (recording.errors, recording.complaints) == ([], [])


# -- alone ----------------------------------------------------------------------------------------


def test_the_model_comes_from_outside_and_it_says_where_it_serves(node: str, llm: FakeLLM):
    env = llm.env | {"MODEL": "fake-llm?answer_tokens=3"}
    with ServerProcess([node, STEP3], env=env) as server:
        said = events(parts(read_all(ask(server.port)))[2])
        assert f"127.0.0.1:{server.port}" in server.last_words()
    assert len(tokens_of(said[:-1])) == 3


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OPENAI_API_KEY": ""}, r"The OpenAI client cannot start: .*OPENAI_API_KEY.*\n"),
        ({"PORT": "eighty"}, r"PORT is 'eighty'\. Set it to a number.*\n"),
        ({"PORT": "70000"}, r"PORT is '70000'\. Set it to a number.*\n"),
        ({"PORT": "taken"}, r"Cannot listen: .*EADDRINUSE.* Set another HOST or PORT\.\n"),
    ],
)
def test_what_it_cannot_start_with_is_told_in_a_sentence(
    node: str, llm: FakeLLM, env: dict[str, str], said: str
):
    if env.get("PORT") == "taken":
        env = {"PORT": str(llm.port)}
    run = subprocess.run(
        [node, STEP3], env=os.environ | llm.env | env, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert re.fullmatch(said, run.stderr, re.DOTALL), run.stderr


# -- the trap -------------------------------------------------------------------------------------

SHORT: dict[str, Any] = {
    "readers": 3, "mix": {"steady": 1}, "tokens_per_s": 200, "answer_tokens": 50, "seconds": 2,
    "time_lapse": 2,
}  # fmt: skip


def test_a_request_is_closed_as_soon_as_its_body_has_been_read(node: str):
    trapped = Experiment([node, str(EXPRESS / "request_close.mjs")], **SHORT).run_blocking()
    assert [stream.received_tokens for stream in trapped.streams] == [0, 0, 0]
    assert trapped.complaints == ["reader 0: HTTP 502: llm_failed: The model failed. Try again."]
    # the SDK's error is not called AbortError, so nothing filtered it
    assert trapped.printed.splitlines()[1:] == ["Error: Request was aborted."] * 3
    whole = Experiment([node, STEP3], **SHORT).run_blocking()
    assert [stream.received_tokens for stream in whole.streams] == [50, 50, 50]
    assert whole.complaints == []
    assert "abort" not in whole.printed


def test_the_trap_is_a_twin_in_two_lines_of_code():
    trapped, step3 = (
        [
            line.partition("//")[0].strip()
            for line in (EXPRESS / name).read_text().splitlines()
            if not line.startswith("//")
        ]
        for name in ("request_close.mjs", "step3_cancelling.mjs")
    )
    differing = [pair for pair in zip(trapped, step3, strict=True) if pair[0] != pair[1]]
    assert differing == [
        ("req.once('close', () => leaving.abort())", "res.once('close', () => leaving.abort())"),
        ("if (problem.name === 'AbortError') return", "if (signal.aborted) return"),
    ]
