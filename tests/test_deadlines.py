"""What may not take for ever does not; the stalled and the silent are in the fault matrix too."""

import gc
import json
import socket
import sys
from collections.abc import Iterator
from types import AsyncGeneratorType, ModuleType
from typing import Any

import psutil
import pytest
from openai import AsyncStream

from servers import step4_production, step5_metered, step6_resumable
from tests.mechanism import ask, connections, gone, nothing_left, read_all, until
from tests.production import ENDLESS, HEALTHY, LARGE, read_until, refused, serving
from tests.test_servers import events, parts, tokens_of
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL

COMMAND = [sys.executable, "-m", "servers.step4_production"]


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


def test_an_llm_that_does_not_accept_is_a_status(llm: FakeLLM):
    with serving(llm, {"START_S": "0.3"}, fault="silence_before_headers") as server:
        status, _, error = refused(ask(server.port))
        until(lambda: llm.totals().open == 0)
    assert (status, error["code"]) == (504, "llm_failed")


def test_an_answer_without_end_is_ended_and_told(llm: FakeLLM):
    with serving(llm, {"STREAM_S": "0.5"}, **ENDLESS) as server:
        _, _, body = parts(read_all(ask(server.port)))
        until(lambda: llm.totals().open == 0)
    said = events(body)
    assert said[-1]["error"]["code"] == "too_long"
    assert "0.5 s" in said[-1]["error"]["message"]
    assert "[DONE]" not in said


@pytest.mark.parametrize(
    ("env", "token_bytes"),
    [
        ({"STALL_S": "0.5"}, 1000),
        ({"STALL_S": "0.5"}, 100_000),  # write() waits for the reader itself
        ({"STREAM_S": "0.5"}, 1000),  # it has stalled when it is to be told that the time is over
    ],
    ids=["drain()", "write()", "the end of the time"],
)
def test_a_stalled_reader_is_given_up_wherever_it_is_waited_for(
    llm: FakeLLM, env: dict[str, str], token_bytes: int
):
    knobs: dict[str, Any] = LARGE | {"token_bytes": token_bytes}
    with (
        nothing_left(),
        serving(llm, env, **knobs) as server,
        ask(server.port, rcvbuf=SMALL.reader_rcvbuf),
    ):
        until(lambda: any((server.write_buffers() or {}).values()))
        until(lambda: not connections(server.port) and not llm.totals().open, 15)


def test_a_reader_that_stalls_at_the_last_event_is_given_up(
    llm: FakeLLM, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(step4_production, "ending", lambda _: b"x" * 1_000_000)
    with (
        serving(llm, {"STALL_S": "0.5"}) as server,
        ask(server.port, rcvbuf=SMALL.reader_rcvbuf),
    ):
        until(lambda: any((server.write_buffers() or {}).values()))
        until(lambda: not connections(server.port), 15)


# -- shutdown -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [step4_production, step5_metered, step6_resumable])
def test_nothing_of_an_answer_that_was_left_waits_for_the_collector(step: ModuleType, llm: FakeLLM):
    gc.collect()
    gc.disable()
    before = unfinished_streams(), alive_streams()
    try:
        env = {"RESUME_S": "0.1", "MAX_STREAMS_PER_USER": "20"}
        with serving(llm, env, step, **ENDLESS) as server:
            for k in range(20):
                with ask(server.port, f"leaves {k}") as reader:
                    read_until(reader, b"data:", times=1 + k % 3)
            until(lambda: llm.totals().open == 0)
            until(lambda: unfinished_streams() <= before[0], 5)
            until(lambda: alive_streams() <= before[1], 5)
    finally:
        gc.enable()


def alive_streams() -> int:
    """Count the LLM's answers that have not been freed."""
    return sum(type(one) is AsyncStream for one in gc.get_objects())


def unfinished_streams() -> int:
    """Count the SDK's generators that have stopped in the middle of an answer."""
    found = (one for one in gc.get_objects() if isinstance(one, AsyncGeneratorType))
    return sum(one.ag_frame is not None for one in found if "AsyncStream" in one.__qualname__)


def test_what_runs_may_end_while_nothing_new_comes_in(llm: FakeLLM):
    llm.set(**HEALTHY | ENDLESS | {"answer_tokens": 100})
    with ServerProcess(COMMAND, env=llm.env) as server, ask(server.port) as reader:
        begun = read_until(reader, b"#0")
        llm.freeze()
        psutil.Process(server.pid).terminate()
        until(lambda: _refuses(server.port))
        llm.thaw()
        said = events(parts(begun + read_all(reader))[2])
        until(lambda: gone(server.pid))
    assert len(tokens_of(said[:-1])) == 100
    assert said[-1] == "[DONE]"


def test_what_does_not_end_in_time_is_told(llm: FakeLLM):
    llm.set(**HEALTHY | ENDLESS)
    env = {**llm.env, "GRACE_S": "0.3"}
    with ServerProcess(COMMAND, env=env) as server, ask(server.port) as reader:
        begun = read_until(reader, b"#0")
        psutil.Process(server.pid).terminate()
        said = events(parts(begun + read_all(reader))[2])
        until(lambda: gone(server.pid))
        line = json.loads(server.last_words().splitlines()[-1])
        until(lambda: llm.totals().open == 0)
    assert said[-1]["error"]["code"] == line["outcome"] == "shutting_down"


def _refuses(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) != 0
