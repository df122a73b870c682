"""Each user has a budget and so many streams; what was produced is charged, whoever leaves."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from servers import step5_metered
from servers.metering import CHARGE_TOKENS
from tests.mechanism import nothing_left, read_all, until
from tests.production import ENDLESS, HEALTHY, JSON, post, read_until, refused, serving
from tests.redis_process import RedisProcess
from tests.test_servers import events, parts, tokens_of
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL

COMMAND = [sys.executable, "-m", "servers.step5_metered"]
TOKENS = HEALTHY["answer_tokens"]
BODY = b'{"prompt": "reader 0"}'


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


def ask_as(user: str, port: int) -> socket.socket:
    return post(port, BODY, JSON, f"X-User: {user}")


def left_of(user: str, port: int) -> int:
    """Return what a user has left, as a refusal of a stream too many says it."""
    status, fields, error = refused(ask_as(user, port))
    assert (status, error["code"]) == (429, "too_many_streams")
    return int(fields["x-budget-left"])


def test_who_has_spent_the_budget_is_refused_until_it_is_renewed(llm: FakeLLM):
    env = {"BUDGET_TOKENS": str(TOKENS), "BUDGET_WINDOW_S": "1000"}
    with serving(llm, env, step5_metered) as server:
        assert events(parts(read_all(ask_as("ada", server.port)))[2])[-1] == "[DONE]"
        before = llm.totals().streams
        status, fields, error = refused(ask_as("ada", server.port))
        assert llm.totals().streams == before
        others = parts(read_all(ask_as("bob", server.port)))[0]
        without_a_name = parts(read_all(post(server.port, BODY)))[0]
    assert (status, error["code"], fields["x-budget-left"]) == (429, "budget_spent", "0")
    assert 900 < int(fields["retry-after"]) <= 1000
    assert f"{fields['retry-after']} s" in error["message"].replace(",", "")
    assert (others, without_a_name) == (200, 200)


def test_the_budget_comes_back(llm: FakeLLM):
    env = {"BUDGET_TOKENS": "1", "BUDGET_WINDOW_S": "0.2"}
    with serving(llm, env, step5_metered) as server:
        read_all(ask_as("ada", server.port))
        until(lambda: parts(read_all(ask_as("ada", server.port)))[0] == 200)


def test_so_many_streams_run_at_once(llm: FakeLLM):
    with (
        nothing_left(),
        serving(llm, {"MAX_STREAMS_PER_USER": "2"}, step5_metered, **ENDLESS) as server,
    ):
        running = [ask_as("ada", server.port) for _ in range(2)]
        for reader in running:
            read_until(reader, b"#0")
        status, fields, error = refused(ask_as("ada", server.port))
        assert (status, error["code"]) == (429, "too_many_streams")
        assert int(fields["retry-after"]) > 0
        with ask_as("bob", server.port) as other:
            read_until(other, b"#0")
        running.pop().close()
        llm.set(**HEALTHY)
        until(lambda: parts(read_all(ask_as("ada", server.port)))[0] == 200)
        running.pop().close()
        until(lambda: llm.totals().open == 0)


def test_a_refused_llm_costs_nothing_and_keeps_no_place(llm: FakeLLM):
    env = {"BUDGET_TOKENS": str(TOKENS), "MAX_STREAMS_PER_USER": "1"}
    with serving(llm, env, step5_metered, fault="server_error") as server:
        for _ in range(3):
            assert parts(read_all(ask_as("ada", server.port)))[0] == 502
        llm.set(fault="")
        assert events(parts(read_all(ask_as("ada", server.port)))[2])[-1] == "[DONE]"


def test_what_was_produced_for_a_reader_that_left_is_charged(llm: FakeLLM):
    budget = 10_000
    env = {"BUDGET_TOKENS": str(budget), "MAX_STREAMS_PER_USER": "1"}
    with serving(llm, env, step5_metered, **ENDLESS) as server:
        before = llm.totals().tokens
        with ask_as("ada", server.port) as reader:
            got = read_until(reader, f"#{CHARGE_TOKENS * 2 + 7}".encode())
        until(lambda: llm.totals().open == 0)
        produced = llm.totals().tokens - before
        with ask_as("ada", server.port) as reader:  # it takes the one place there is
            read_until(reader, b"data: ")
            charged = budget - left_of("ada", server.port)
    received = got.count(b'"token"')
    assert received <= charged
    # the last of it may lie in the sockets; what this stream has been charged is less than a step
    assert charged <= produced + CHARGE_TOKENS
    assert produced < 10 * received


def test_an_answer_ends_when_nothing_is_left(llm: FakeLLM):
    env = {"BUDGET_TOKENS": "100"}
    with serving(llm, env, step5_metered, **ENDLESS) as server:
        said = events(parts(read_all(ask_as("ada", server.port)))[2])
        until(lambda: llm.totals().open == 0)
    assert said[-1]["error"]["code"] == "budget_spent"
    assert 100 <= len(tokens_of(said)) <= 100 + CHARGE_TOKENS + 1


def test_streams_side_by_side_overspend_by_a_step_each(llm: FakeLLM):
    streams, budget = 5, 300
    env = {"BUDGET_TOKENS": str(budget)}
    with serving(llm, env, step5_metered, **ENDLESS) as server:
        readers = [ask_as("ada", server.port) for _ in range(streams)]
        said = [events(parts(read_all(reader))[2]) for reader in readers]
    got = sum(len(tokens_of(one)) for one in said)
    assert budget <= got <= budget + streams * (CHARGE_TOKENS + 1)


# -- several processes ----------------------------------------------------------------------------


@pytest.fixture
def redis(redis_program: str) -> Iterator[RedisProcess]:
    with RedisProcess(redis_program) as redis:
        yield redis


def test_processes_share_a_budget(llm: FakeLLM, redis: RedisProcess):
    llm.set(**HEALTHY)
    env = {**llm.env, "BUDGET_TOKENS": str(TOKENS), "REDIS_URL": redis.url}
    with ServerProcess(COMMAND, env=env) as one, ServerProcess(COMMAND, env=env) as other:
        assert parts(read_all(ask_as("ada", one.port)))[0] == 200
        status, _, error = refused(ask_as("ada", other.port))
        assert parts(read_all(ask_as("bob", other.port)))[0] == 200
    assert (status, error["code"]) == (429, "budget_spent")


def test_processes_share_the_places(llm: FakeLLM, redis: RedisProcess):
    env = {"MAX_STREAMS_PER_USER": "1", "REDIS_URL": redis.url}
    with ExitStack() as both:
        one, other = (
            both.enter_context(serving(llm, env, step5_metered, **ENDLESS)) for _ in range(2)
        )
        with ask_as("ada", one.port) as reader:
            read_until(reader, b"#0")
            assert refused(ask_as("ada", other.port))[2]["code"] == "too_many_streams"
        llm.set(**HEALTHY)
        until(lambda: parts(read_all(ask_as("ada", other.port)))[0] == 200)


@pytest.mark.parametrize("how", ["kill", "hang"])
def test_the_chat_goes_on_while_redis_is_away(llm: FakeLLM, redis: RedisProcess, how: str):
    env = {"BUDGET_TOKENS": "1000", "REDIS_URL": redis.url}
    endless = ENDLESS | {"answer_tokens": 200}
    with serving(llm, env, step5_metered, **endless) as server:
        reader = ask_as("ada", server.port)
        begun = read_until(reader, b"#3")
        getattr(redis, how)()
        said = events(parts(begun + read_all(reader))[2])
        llm.set(answer_tokens=100_000, tokens_per_s=0)
        next_one = events(parts(read_all(ask_as("ada", server.port)))[2])
        status = refused(ask_as("ada", server.port))[0]
    assert (len(tokens_of(said[:-1])), said[-1]) == (200, "[DONE]")
    assert next_one[-1]["error"]["code"] == "budget_spent"  # so not without a limit
    assert status == 429


def test_the_log_names_the_user(llm: FakeLLM):
    llm.set(**HEALTHY)
    with ServerProcess(COMMAND, env=llm.env) as server:
        read_all(ask_as("ada", server.port))
        lines = [json.loads(one) for one in server.last_words().splitlines() if one[0] == "{"]
    assert [(line["user"], line["outcome"]) for line in lines] == [("ada", "complete")]
