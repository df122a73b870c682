"""An answer outlives its reader's connection, and is read on where it broke."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from servers import step6_resumable
from servers.common import Chunk
from servers.heartbeats import COMMENT, HEARTBEAT
from tests.mechanism import nothing_left, read_all, until
from tests.production import ENDLESS, HEALTHY, LARGE, post, read_until, refused, send, serving
from tests.redis_process import RedisProcess
from tests.resuming import (
    BODY,
    IDS,
    answer_in,
    begun,
    ids_of,
    resumed,
    resuming,
    serving_replay,
    stop,
    texts_of,
)
from tests.test_heartbeats import OPENAIS, through_the_sdk
from tests.test_servers import events, parts
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL

TOKENS = HEALTHY["answer_tokens"]
SLOW = {"tokens_per_s": 200}
SMALL_REPLAY = {"REPLAY_BYTES": "20000"}

COMMAND = [sys.executable, "-m", "servers.step6_resumable"]


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture(params=["memory", "redis"])
def memory(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Give the settings of each memory of answers there is."""
    if request.param == "memory":
        yield {}
        return
    with RedisProcess(request.getfixturevalue("redis_program")) as redis:
        yield {"REDIS_URL": redis.url}


def whole_after(number: int, got: bytes) -> bool:
    """Tell whether all that comes after a number is there, once and in order, to the end."""
    return (
        ids_of(got) == list(range(number + 1, TOKENS + 2))
        and texts_of(got) == list(range(number, TOKENS))
        and got.rstrip(b"\r\n0").endswith(b"data: [DONE]")
    )


# -- ids ------------------------------------------------------------------------------------------


def test_events_are_numbered_from_one_under_a_name_of_the_answer(llm: FakeLLM):
    with serving(llm, step=step6_resumable) as server:
        answers = [parts(read_all(post(server.port, BODY))) for _ in range(2)]
    for _, fields, body in answers:
        assert {name.decode() for name, _ in IDS.findall(body)} == {fields["x-answer-id"]}
        assert whole_after(0, body)
    assert answers[0][1]["x-answer-id"] != answers[1][1]["x-answer-id"]


def test_each_id_stands_in_the_block_of_its_event(llm: FakeLLM):
    """The openai SDK fails on an id without data."""
    env = {"HEARTBEAT_S": "0.02"}
    with serving(llm, env, step6_resumable, first_token_s=0.2, tokens_per_s=20) as server:
        _, _, body = parts(read_all(post(server.port, BODY)))
    assert body.count(COMMENT) > 2
    blocks = [block.split(b"\n") for block in body.replace(COMMENT, b"").split(b"\n\n")[:-1]]
    assert {(one[:4], two[:6]) for one, two in blocks} == {(b"id: ", b"data: ")}


async def test_openais_sdk_reads_what_has_such_ids():
    stream = b"id: AbC-_123.1\n" + OPENAIS + b"\n\n" + COMMENT + b"id: AbC-_123.2\n" + OPENAIS
    assert await through_the_sdk(stream + b"\n\nid: AbC-_123.3\ndata: [DONE]\n\n") == 2


async def test_it_takes_a_heartbeat_with_a_blank_line_for_an_event_once_there_was_an_id():
    """When this is repaired in the SDK, COMMENT can go."""
    with pytest.raises(json.JSONDecodeError):
        await through_the_sdk(b"id: AbC-_123.1\n" + OPENAIS + b"\n\n" + HEARTBEAT)


# -- resuming -------------------------------------------------------------------------------------


def test_an_answer_is_read_on_after_a_cut(llm: FakeLLM, memory: dict[str, str]):
    with serving(llm, memory, step6_resumable, **SLOW) as server:
        before = llm.totals().streams
        answer, got = begun(server.port, b'"#3')
        status, rest = resumed(server.port, answer, ids_of(got)[-1])
        assert llm.totals().streams == before + 1  # nothing was asked of the LLM again
    assert status == 200
    assert whole_after(ids_of(got)[-1], rest)


def test_what_was_sent_and_lost_is_still_there(llm: FakeLLM):
    with serving(llm, None, step6_resumable, **SLOW) as server:
        answer, _ = begun(server.port, b'"#9')
        assert whole_after(2, resumed(server.port, answer, 2)[1])


def test_a_reader_that_had_nothing_yet_gets_all(llm: FakeLLM):
    with serving(llm, None, step6_resumable, first_token_s=0.3) as server:
        answer, got = begun(server.port)
        assert not ids_of(got)
        assert whole_after(0, resumed(server.port, answer)[1])


def test_after_the_end_a_reader_gets_the_rest_or_is_told_not_to_come_back(
    llm: FakeLLM, memory: dict[str, str]
):
    with serving(llm, memory, step6_resumable) as server:
        answer, _ = begun(server.port, b"[DONE]")
        assert whole_after(TOKENS - 1, resumed(server.port, answer, TOKENS - 1)[1])
        assert resumed(server.port, answer, TOKENS + 1) == (204, b"")


def test_an_error_of_the_llms_is_kept_as_well(llm: FakeLLM):
    with serving(llm, None, step6_resumable, fault="cut", fault_at=7) as server:
        answer, _ = begun(server.port, b'"error"')
        said = events(resumed(server.port, answer, 6)[1])
    assert [list(one) for one in said] == [["token"], ["error"]]
    assert said[-1]["error"]["code"] == "llm_failed"


def test_the_newest_reader_takes_over_and_the_older_is_told(llm: FakeLLM, memory: dict[str, str]):
    with serving(llm, memory, step6_resumable, **SLOW) as server:
        older = post(server.port, BODY)
        got = read_until(older, b'"#3')
        answer = answer_in(got)
        assert whole_after(3, resumed(server.port, answer, 3)[1])
        got += read_all(older)
    assert b'"code": "taken_over"' in got
    assert b"[DONE]" not in got
    assert texts_of(got) == list(range(len(texts_of(got))))


# -- who may not ----------------------------------------------------------------------------------


def test_an_id_of_another_answer_is_refused(llm: FakeLLM):
    with serving(llm, step=step6_resumable) as server:
        answer, _ = begun(server.port, b"[DONE]")
        for last in ("", "3", "other.3", f"{answer}.x", f"{answer}.", f"{answer}.-1"):
            status, _, error = refused(resuming(server.port, answer, last or "-"))
            assert (status, error["code"]) == (400, "bad_id")
        assert refused(resuming(server.port, answer, 99))[2]["code"] == "missed"


def test_another_user_does_not_find_it(llm: FakeLLM, memory: dict[str, str]):
    with serving(llm, memory, step6_resumable) as server:
        answer, _ = begun(server.port, b"[DONE]", "X-User: ada")
        for lines in ((), ("X-User: bob",)):
            status, _, error = refused(resuming(server.port, answer, None, *lines))
            assert (status, error["code"]) == (404, "gone")
        _, _, body = parts(read_all(resuming(server.port, answer, None, "X-User: ada")))
    assert whole_after(0, body)


def test_a_restarted_server_knows_no_old_id(llm: FakeLLM):
    with serving(llm, step=step6_resumable) as server:
        answer, _ = begun(server.port, b"[DONE]")
    with serving(llm, step=step6_resumable) as server:
        begun(server.port, b"[DONE]")
        assert refused(resuming(server.port, answer, 3))[2]["code"] == "gone"


# -- the end of an answer -------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [True, False])
def test_an_explicit_stop_ends_it_at_once(llm: FakeLLM, memory: dict[str, str], silent: bool):
    knobs = {"fault": "silence", "fault_at": 5} if silent else ENDLESS
    with serving(llm, memory, step6_resumable, **knobs) as server:
        answer, _ = begun(server.port, b'"#3')
        assert llm.totals().open == 1
        assert stop(server.port, answer) == 204
        until(lambda: llm.totals().open == 0)
        status, _, error = refused(resuming(server.port, answer, 3))
        assert (status, error["code"]) == (410, "stopped")
        assert stop(server.port, "never-was") == 404


@pytest.mark.parametrize("silent", [True, False])
def test_the_llm_is_stopped_when_nobody_comes_back(
    llm: FakeLLM, memory: dict[str, str], silent: bool
):
    knobs = {"fault": "silence", "fault_at": 5} if silent else ENDLESS
    env = memory | {"RESUME_S": "0.3"}
    with serving(llm, env, step6_resumable, **knobs) as server:
        answer, _ = begun(server.port, b'"#3')
        until(lambda: llm.totals().open == 0)
        assert refused(resuming(server.port, answer, 3))[2]["code"] == "gone"


def test_it_is_not_stopped_while_somebody_reads(llm: FakeLLM, memory: dict[str, str]):
    env = memory | {"RESUME_S": "0.1", "STALL_S": "0.3", "HEARTBEAT_S": "0.05"}
    with serving(llm, env, step6_resumable, tokens_per_s=20) as server:
        assert whole_after(0, parts(read_all(post(server.port, BODY)))[2].replace(COMMENT, b""))


def test_a_reader_that_leaves_before_the_llm_accepts_ends_it(llm: FakeLLM):
    with serving_replay(llm, fault="silence_before_headers") as (server, replay):
        asked = llm.totals().streams
        with post(server.port, BODY):
            until(lambda: llm.totals().streams > asked)
        until(lambda: llm.totals().open == 0)
        until(lambda: len(replay) == 0)


def test_the_answer_of_an_llm_that_accepts_late_is_not_forgotten(
    llm: FakeLLM, memory: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    ask = step6_resumable.ask_in_time

    @asynccontextmanager
    async def ask_a_busy_llm(request: web.Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        await asyncio.sleep(2.5)
        async with ask(request) as stream:
            yield stream

    monkeypatch.setattr(step6_resumable, "ask_in_time", ask_a_busy_llm)
    with serving(llm, memory | {"RESUME_S": "1"}, step6_resumable) as server:
        status, _, body = parts(read_all(post(server.port, BODY)))
    assert status == 200, body
    assert whole_after(0, body)


# -- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stays", [True, False])
def test_the_llm_waits_when_it_is_as_far_ahead_as_it_may(llm: FakeLLM, stays: bool):
    with serving_replay(llm, SMALL_REPLAY, **LARGE) as (server, replay):
        reader = post(server.port, BODY, rcvbuf=SMALL.reader_rcvbuf)
        read_until(reader, b'"#0')
        if not stays:
            reader.close()
        until(lambda: standing_still(llm))
        assert 8_000 < replay.held_bytes <= 20_000
        assert llm.ledger()[-1].tokens < 1000  # of 100,000: what all sockets on the way take
        reader.close()


def standing_still(llm: FakeLLM) -> bool:
    before = llm.totals().tokens
    try:
        until(lambda: llm.totals().tokens != before, 0.3)
    except AssertionError:
        return True
    return False


def test_it_goes_on_when_its_reader_comes_back(llm: FakeLLM, memory: dict[str, str]):
    tokens = {"answer_tokens": 300, "token_bytes": 1000, "tokens_per_s": 0}
    with serving(llm, memory | SMALL_REPLAY, step6_resumable, **tokens) as server:
        answer, got = begun(server.port, b'"#0')
        until(lambda: standing_still(llm))
        assert llm.ledger()[-1].ended_s is None
        rest = resumed(server.port, answer, ids_of(got)[-1])[1]
    assert ids_of(rest) == list(range(ids_of(got)[-1] + 1, 302))


def test_events_larger_than_what_may_be_ahead_go_one_by_one(llm: FakeLLM, memory: dict[str, str]):
    env = memory | {"REPLAY_BYTES": "2000", "HEARTBEAT_S": "1000"}
    with serving(llm, env, step6_resumable, token_bytes=3000) as server:
        body = parts(read_all(post(server.port, BODY)))[2]  # or both wait for each other for ever
    assert whole_after(0, body)


def test_what_is_not_kept_any_more_is_told(llm: FakeLLM, memory: dict[str, str]):
    env = memory | {"REPLAY_BYTES": "200"}
    with serving(llm, env, step6_resumable) as server:
        answer, _ = begun(server.port, b"[DONE]")
        status, _, error = refused(resuming(server.port, answer, 1))
        assert (status, error["code"]) == (410, "missed")
        assert whole_after(TOKENS - 2, resumed(server.port, answer, TOKENS - 2)[1])


def test_readers_that_never_come_back_cost_a_bounded_memory(llm: FakeLLM):
    readers = 20
    env = SMALL_REPLAY | {"RESUME_S": "2", "MAX_STREAMS_PER_USER": "100"}
    with serving_replay(llm, env, **LARGE) as (server, replay):
        for _ in range(readers):
            begun(server.port, b'"#0')
        most = 0
        while len(replay):
            most = max(most, replay.held_bytes)
            assert replay.held_bytes <= readers * 20_000
        assert most > 20_000  # there was something to bound
        until(lambda: llm.totals().open == 0)


def test_so_many_answers_are_kept(llm: FakeLLM, memory: dict[str, str]):
    env = memory | {"MAX_ANSWERS": "2", "RESUME_S": "1"}
    with serving(llm, env, step6_resumable) as server:
        for _ in range(2):
            begun(server.port, b"[DONE]")
        status, fields, error = refused(post(server.port, BODY))
        assert (status, error["code"]) == (503, "full")
        assert int(fields["retry-after"]) > 0
        until(lambda: parts(read_all(post(server.port, BODY)))[0] == 200)


def test_a_refused_llm_keeps_no_answer(llm: FakeLLM, memory: dict[str, str]):
    with serving(
        llm, memory | {"MAX_ANSWERS": "1"}, step6_resumable, fault="server_error"
    ) as server:
        for _ in range(3):
            assert refused(post(server.port, BODY))[0] == 502
        llm.set(fault="")
        assert whole_after(0, parts(read_all(post(server.port, BODY)))[2])


# -- the log, and the end of the server -----------------------------------------------------------


def test_the_log_says_what_became_of_the_answer_not_of_a_connection(llm: FakeLLM):
    env = llm.env | {"RESUME_S": "0.3"}
    llm.set(**HEALTHY | SLOW)
    with ServerProcess(COMMAND, env=env) as server:
        answer, _ = begun(server.port, b'"#3')
        resumed(server.port, answer, 3)
        llm.set(**ENDLESS)
        answer, _ = begun(server.port, b'"#3')
        assert stop(server.port, answer) == 204
        until(lambda: llm.totals().open == 0)
        begun(server.port, b'"#3')
        until(lambda: llm.totals().open == 0)
        until(lambda: len(_answers(server)) == 3)
        lines = _answers(server)
    assert [line["outcome"] for line in lines] == ["complete", "stopped", "abandoned"]
    assert lines[0]["tokens"] == TOKENS


def _answers(server: ServerProcess) -> list[dict[str, object]]:
    return [json.loads(one) for one in server.last_words().splitlines() if one[0] == "{"]


def test_a_shutdown_is_told_to_readers_and_waits_for_none_that_is_away(llm: FakeLLM):
    llm.set(**HEALTHY | ENDLESS)
    with ServerProcess(COMMAND, env=llm.env | {"GRACE_S": "0.5"}) as server:
        reader = post(server.port, BODY)
        got = read_until(reader, b'"#3')
        begun(server.port, b'"#3')
        server.stop()
        got += read_all(reader)
    assert b'"code": "shutting_down"' in got
    until(lambda: llm.totals().open == 0)


def test_a_producer_that_fails_is_told_to_its_reader(llm: FakeLLM, monkeypatch: pytest.MonkeyPatch):
    def fail(_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(step6_resumable, "ending", fail)
    with serving_replay(llm) as (server, _):
        said = events(parts(read_all(post(server.port, BODY)))[2])
        until(lambda: llm.totals().open == 0)
        server.errors.clear()
    assert said[-1]["error"]["code"] == "llm_failed"


def test_a_slow_reader_is_no_absent_one(llm: FakeLLM, redis_program: str):
    """It takes each event in time, and many of them at once take it longer than it may be away."""
    env = {"STALL_S": "0.6", "RESUME_S": "0.1"}
    with (
        RedisProcess(redis_program) as redis,
        serving(llm, env | {"REDIS_URL": redis.url}, step6_resumable, token_bytes=4000) as server,
    ):
        reader = post(server.port, BODY, rcvbuf=SMALL.reader_rcvbuf)
        got = b""
        while piece := reader.recv(4000):
            got += piece
            time.sleep(0.07)  # the pace of a link; nothing is judged by it
        reader.close()
    assert b"[DONE]" in got


def test_head_is_no_reader(llm: FakeLLM):
    with serving(llm, step=step6_resumable) as server:
        answer, _ = begun(server.port, b"[DONE]")
        assert parts(read_all(send(server.port, f"HEAD /chat/{answer} HTTP/1.1")))[0] == 405
