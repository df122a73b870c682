"""Every step keeps the contract, and neighbours are twins."""

import difflib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from openai import AsyncOpenAI

from servers import (
    step0_buffered,
    step1_broken,
    step2_fixed,
    step3_cancelling,
    step4_production,
    step5_metered,
    step6_resumable,
)
from servers.common import make_app
from tests.mechanism import ask, call, nothing_left, read_all, until
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import free_port

STEPS = [
    step0_buffered,
    step1_broken,
    step2_fixed,
    step3_cancelling,
    step4_production,
    step5_metered,
    step6_resumable,
]
SCREEN_LINES = 70
TWINS_LINES = 15
# the one step that repairs several things, and the one that makes two tasks of one
MORE_LINES = {step4_production: 20, step6_resumable: 30}
TOKENS = 20

every_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=0, answer_tokens=TOKENS) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@contextmanager
def serving(step: ModuleType, llm: FakeLLM, **knobs: Any) -> Iterator[ServerThread]:
    """Serve a step whose SDK does not try again, with knobs turned for all it asks."""
    llm.set(**{"fault": "", "fault_at": 0} | knobs)
    with ServerThread(
        lambda: make_app(step.chat, lambda: AsyncOpenAI(max_retries=0)), env=llm.env
    ) as server:
        yield server


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Take an answer apart: status, head, and body without its chunks' frames."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if fields.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return int(status.split()[1]), fields, body


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        yield body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]


def events(body: bytes) -> list[Any]:
    """Read the data of each event; `[DONE]` is no JSON."""
    texts = body.decode().removesuffix("\n\n").split("\n\n")
    texts = [re.sub(r"^id: \S+\n", "", text) for text in texts]  # step6 numbers them
    data = [text.removeprefix("data: ") for text in texts]
    assert all(f"data: {one}" == text for one, text in zip(data, texts, strict=True))
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def tokens_of(said: list[Any]) -> list[str]:
    return [one["token"] for one in said if "token" in one]


@every_step
def test_a_whole_answer_ends_with_done(step: ModuleType, llm: FakeLLM):
    with nothing_left(), serving(step, llm) as server:
        status, fields, body = parts(read_all(ask(server.port)))
        assert server.errors == []
    assert (status, fields["content-type"]) == (200, "text/event-stream")
    said = events(body)
    assert said[-1] == "[DONE]"
    assert [int(text[1:].rstrip(". ")) for text in tokens_of(said[:-1])] == list(range(TOKENS))
    assert len(said) == TOKENS + 1


@every_step
@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "{}", '{"prompt": 7}', '{"prompt": null}', '"prompt"', "\\xff\\xfe"],
)
def test_what_is_no_prompt_is_refused(step: ModuleType, llm: FakeLLM, body: str):
    with serving(step, llm) as server:
        status, fields, answer = parts(read_all(call(server.port, body)))
        assert server.errors == []
    assert (status, fields["content-type"]) == (400, "application/json; charset=utf-8")
    error = json.loads(answer)["error"]
    assert error["code"] == "bad_request"
    assert '{"prompt": "Hello"}' in error["message"]


@every_step
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limit", 429, "busy"),
        ("server_error", 502, "llm_failed"),
        ("unauthorized", 502, "llm_failed"),
    ],
)
def test_the_llms_refusal_is_a_status_of_its_own(
    step: ModuleType, llm: FakeLLM, fault: str, status: int, code: str
):
    with serving(step, llm, fault=fault) as server:
        got, fields, body = parts(read_all(ask(server.port)))
        assert server.errors == []
    assert (got, fields["content-type"]) == (status, "application/json; charset=utf-8")
    error = json.loads(body)["error"]
    assert error["code"] == code
    assert error["message"].endswith("Try again.")
    assert b"key" not in body  # what a provider says names accounts and keys


def test_an_llm_that_is_not_there_is_told_before_the_start():
    env = {"OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1", "OPENAI_API_KEY": "sk-none"}
    app = lambda: make_app(step2_fixed.chat, lambda: AsyncOpenAI(max_retries=0))  # noqa: E731
    with ServerThread(app, env=env) as server:
        status, _, body = parts(read_all(ask(server.port)))
        assert server.errors == []
    assert (status, json.loads(body)["error"]["code"]) == (502, "llm_failed")


@every_step
@pytest.mark.parametrize("fault", ["error_event", "cut", "garbage", "early_end"])
def test_an_answer_that_breaks_off_ends_with_an_error_event(
    step: ModuleType, llm: FakeLLM, fault: str
):
    with serving(step, llm, fault=fault, fault_at=7) as server:
        status, _, body = parts(read_all(ask(server.port)))
        assert server.errors == []
    said = events(body)
    assert status == 200
    assert "[DONE]" not in said
    assert said[-1]["error"]["code"] == "llm_failed"
    assert said[-1]["error"]["message"].endswith("Try again.")
    # the step that gathers has nothing to show for an answer that did not end
    gathers = step is step0_buffered and fault != "early_end"
    assert len(tokens_of(said)) == (0 if gathers else 7)
    assert sum("error" in one for one in said) == 1


@every_step
def test_characters_of_several_bytes_come_through(step: ModuleType, llm: FakeLLM):
    with serving(step, llm, fault="split") as server:
        said = events(parts(read_all(ask(server.port)))[2])
    assert tokens_of(said[:-1])[:2] == ["#0… ", "#1… "]
    assert len(said) == TOKENS + 1


@every_step
def test_a_reader_that_leaves_is_no_error_of_the_server(step: ModuleType, llm: FakeLLM):
    with nothing_left(), serving(step, llm, tokens_per_s=50, answer_tokens=100_000) as server:
        before = len(llm.ledger())
        with ask(server.port) as reader:
            until(lambda: len(llm.ledger()) > before and llm.ledger()[-1].tokens > 2)
            if step is not step0_buffered:
                assert reader.recv(1)
    llm.set(tokens_per_s=0, answer_tokens=TOKENS)
    assert server.errors == []


# -- alone ----------------------------------------------------------------------------------------


def test_each_step_runs_alone_and_ends_at_once(llm: FakeLLM):
    llm.set(fault="", fault_at=0)
    for step in STEPS:
        with ServerProcess([sys.executable, "-m", step.__name__], env=llm.env) as server:
            assert events(parts(read_all(ask(server.port)))[2])[-1] == "[DONE]"
            assert f"127.0.0.1:{server.port}" in server.last_words()


@every_step
def test_without_a_key_it_says_what_is_missing(step: ModuleType):
    env = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    run = subprocess.run(
        [sys.executable, "-m", step.__name__], env=env, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert re.fullmatch(r"The OpenAI client cannot start: .*OPENAI_API_KEY.*\n", run.stderr)


@pytest.mark.parametrize("port", ["taken", "eighty"])
def test_a_port_that_cannot_be_is_told_in_a_sentence(port: str, llm: FakeLLM):
    env = os.environ | llm.env | {"PORT": str(llm.port) if port == "taken" else port}
    run = subprocess.run(
        [sys.executable, "-m", "servers.step2_fixed"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert re.fullmatch(r"(PORT is|Cannot listen: ).* Set (it|another) .*\.\n", run.stderr)


def test_the_model_comes_from_outside_as_the_app_starts(llm: FakeLLM):
    llm.set(fault="", fault_at=0)
    env = llm.env | {"MODEL": "fake-llm?answer_tokens=3"}
    with ServerThread(lambda: make_app(step2_fixed.chat), env=env) as server:
        said = events(parts(read_all(ask(server.port)))[2])
    assert len(tokens_of(said[:-1])) == 3


# -- as files -------------------------------------------------------------------------------------


@every_step
def test_it_fits_on_one_screen_and_needs_nothing_of_the_workshop(step: ModuleType):
    source = inspect.getsource(step)
    assert len(source.splitlines()) <= SCREEN_LINES
    assert "workshop_lib" not in source
    assert f"python -m {step.__name__}" in source


@pytest.mark.parametrize(("one", "other"), list(pairwise(STEPS)), ids=lambda step: step.__name__)
def test_neighbours_are_twins(one: ModuleType, other: ModuleType):
    """Count the lines of code in which the handlers differ, on the side that has more of them."""
    ours, theirs = map(handlers, (one, other))
    differing = list(difflib.ndiff(ours, theirs))
    only = [sum(line.startswith(sign) for line in differing) for sign in "-+"]
    assert 0 < max(only) <= MORE_LINES.get(other, TWINS_LINES)


def handlers(step: ModuleType) -> list[str]:
    """Return a step's lines of code without its imports and its last two."""
    code = re.search(r"^(@|async def ).*(?=^if __name__)", inspect.getsource(step), re.M | re.S)
    assert code
    return [line for line in code[0].splitlines() if line.strip()]
