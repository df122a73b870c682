"""The production servers on Express and FastAPI do what step4 does, fault by fault."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.fault_cells import SHORT, USUAL, Cell, ends_it
from tests.fault_matrix import NET_S, expectations
from tests.mechanism import ask, nothing_left, read_all, until
from tests.production import ENDLESS, JSON, post, read_until, send
from tests.test_servers import events, parts, tokens_of
from tests.twins import TWINS, ServedTwin, serving_twin, twin
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL

STEP = "step4_production"
# Where the kernel's own buffers make no difference, and one of two like faults.
HERE = {
    "stalls": ("midway", "waiting"),
    "freezes": ("midway",),
    "leaves": ("before", "midway", "waiting", "end"),
    "resets": ("waiting",),
    "error event": ("midway",),
    "cut": ("midway",),
    "garbage": ("midway",),
    "silence": ("before", "midway"),
}
CELLS = [
    (fault, moment, expected)
    for step, fault, moment, expected in expectations()
    if step == STEP and moment in HERE.get(fault, ())
]
each_twin = pytest.mark.parametrize("framework", TWINS)
pytestmark = pytest.mark.usefixtures("node")


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture(scope="module", params=TWINS)
def server(request: pytest.FixtureRequest, llm: FakeLLM, node: str) -> Iterator[ServerProcess]:
    env = {"MAX_BODY_BYTES": "500", "MAX_PROMPT_CHARS": "100", "START_S": "1"}
    with serving_twin(llm, twin(request.param), env) as server:
        yield server


@each_twin
@pytest.mark.parametrize("deadlines", [USUAL, SHORT], ids=["usual", "short"])
def test_cells_are_as_those_of_step4(framework: str, deadlines: dict[str, str], llm: FakeLLM):
    found: dict[tuple[str, str], str] = {}
    due = {
        (fault, moment): expected
        for fault, moment, expected in CELLS
        if ends_it(STEP, fault) == (deadlines is SHORT)
    }
    with closing(ServedTwin(framework, llm, deadlines)) as served:
        for fault, moment in due:
            found[fault, moment] = str(Cell(served, fault, moment).run(NET_S))
    assert found == due


# -- what it sends, and what it refuses -----------------------------------------------------------


def test_a_whole_answer_passes_proxies_and_ends_with_done(server: ServerProcess):
    status, fields, body = parts(read_all(ask(server.port)))
    assert status == 200
    assert fields["content-type"].startswith("text/event-stream")
    assert "no-transform" in fields["cache-control"]
    assert fields["x-accel-buffering"] == "no"
    said = events(body)
    assert said[-1] == "[DONE]"
    assert len(tokens_of(said[:-1])) == 20


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"prompt": "' + "x" * 600 + '"}', 413, "too_large"),
        ('{"prompt": "' + "x" * 101 + '"}', 422, "long_prompt"),
        ('{"prompt": " "}', 422, "empty_prompt"),
        ('{"prompt": 7}', 400, "bad_request"),
        ("{", 400, "bad_request"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(
    server: ServerProcess, llm: FakeLLM, body: str, status: int, code: str
):
    before = llm.totals().streams
    got, error = told(read_all(post(server.port, body.encode())))
    assert (got, error["code"]) == (status, code)
    assert error["message"].endswith(".")
    assert llm.totals().streams == before


def test_a_body_without_a_length_is_counted(server: ServerProcess):
    lines = f"POST /chat HTTP/1.1\n{JSON}\nTransfer-Encoding: chunked"
    body = b"12c\r\n" + b" " * 300 + b"\r\n"
    got, error = told(read_all(send(server.port, lines, 2 * body + b"0\r\n\r\n")))
    assert (got, error["code"]) == (413, "too_large")


def test_json_by_another_name_is_refused(server: ServerProcess):
    plain = "Content-Type: text/plain"
    got, error = told(read_all(post(server.port, b'{"prompt": "hello"}', plain)))
    assert (got, error["code"]) == (415, "not_json")


def told(answer: bytes) -> tuple[int, dict[str, str]]:
    status, fields, body = parts(answer)
    assert fields["content-type"].startswith("application/json")
    return status, json.loads(body)["error"]


# -- deadlines ------------------------------------------------------------------------------------


def test_an_llm_that_does_not_accept_is_a_status(server: ServerProcess, llm: FakeLLM):
    llm.set(fault="silence_before_headers")
    got, error = told(read_all(ask(server.port)))
    assert (got, error["code"]) == (504, "llm_failed")
    until(lambda: llm.totals().open == 0)


@each_twin
def test_a_shutdown_ends_what_runs_and_then_the_process(framework: str, llm: FakeLLM):
    with serving_twin(llm, twin(framework), {"GRACE_S": "1"}, **ENDLESS) as server:
        reader = ask(server.port)
        read_until(reader, b"#1.")
        server._process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        body = read_all(reader)
        assert b"[DONE]" not in body
        if framework == "express":  # uvicorn cancels, and tells a generator nothing of why
            assert b"shutting_down" in body
        until(lambda: server._process.poll() is not None)  # type: ignore[union-attr]
        until(lambda: llm.totals().open == 0)


def test_express_sends_heartbeats_only_while_there_is_room(llm: FakeLLM):
    env = {"HEARTBEAT_S": "0.1"}
    with serving_twin(llm, twin("express"), env, fault="silence", fault_at=3) as server:
        with ask(server.port) as reader:
            read_until(reader, b": the model is thinking\n\n", times=5)
        until(lambda: llm.totals().open == 0)
