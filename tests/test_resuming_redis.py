"""Several processes and one Redis, when one of them dies: an honest error, and nothing doubled."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from servers import step6_resumable
from tests.mechanism import nothing_left, read_all, until
from tests.production import ENDLESS, HEALTHY, post, read_until, refused, serving
from tests.redis_process import RedisProcess
from tests.resuming import BODY, answer_in, begun, ids_of, resumed, resuming, stop, texts_of
from tests.test_servers import parts
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import SMALL

COMMAND = [sys.executable, "-m", "servers.step6_resumable"]


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture
def redis(redis_program: str) -> Iterator[RedisProcess]:
    with RedisProcess(redis_program) as redis:
        yield redis


@pytest.fixture
def both(llm: FakeLLM, redis: RedisProcess) -> Iterator[list[ServerThread]]:
    """Two servers that share a Redis."""
    env = {"REDIS_URL": redis.url}
    with ExitStack() as stack:
        yield [stack.enter_context(serving(llm, env, step6_resumable, **ENDLESS)) for _ in range(2)]


def test_a_stop_through_another_process_ends_it(llm: FakeLLM, both: list[ServerThread]):
    one, other = both
    reader = post(one.port, BODY)
    got = read_until(reader, b'"#3')
    assert stop(other.port, answer_in(got)) == 204
    until(lambda: llm.totals().open == 0)
    assert b'"code": "stopped"' in read_all(reader)


@pytest.mark.parametrize("returns", [True, False])
def test_without_redis_a_reader_is_told_and_the_llm_is_stopped(
    llm: FakeLLM, redis: RedisProcess, both: list[ServerThread], returns: bool
):
    one, other = both
    reader = post(one.port, BODY)
    got = read_until(reader, b'"#3')
    answer = answer_in(got)
    redis.kill()
    if returns:
        redis.start()  # without what it knew
    got += read_all(reader)
    until(lambda: llm.totals().open == 0)
    code, status = ("gone", 404) if returns else ("away", 503)
    assert f'"code": "{code}"'.encode() in got or b'"code": "away"' in got
    assert b"[DONE]" not in got
    assert texts_of(got) == list(range(len(texts_of(got))))
    for server in both:
        told, _, error = refused(resuming(server.port, answer, ids_of(got)[-1]))
        assert (told, error["code"]) == (status, code)
    if returns:
        llm.set(**HEALTHY)
        assert parts(read_all(post(other.port, BODY)))[0] == 200


def test_nothing_is_begun_without_redis(llm: FakeLLM, redis: RedisProcess):
    with serving(llm, {"REDIS_URL": redis.url}, step6_resumable) as server:
        redis.kill()
        before = llm.totals().streams
        status, fields, error = refused(post(server.port, BODY))
        assert llm.totals().streams == before
    assert (status, error["code"]) == (503, "away")
    assert int(fields["retry-after"]) > 0


def test_an_answer_whose_process_has_died_is_not_waited_for(llm: FakeLLM, redis: RedisProcess):
    env = {**llm.env, "REDIS_URL": redis.url}
    with serving(llm, env, step6_resumable, **ENDLESS) as other:
        with ServerProcess(COMMAND, env=env) as owner:
            answer, got = begun(owner.port, b'"#3')
            for process in psutil.Process(owner.pid).children(recursive=True):
                process.send_signal(signal.SIGKILL)
            psutil.Process(owner.pid).send_signal(signal.SIGKILL)
        _, rest = resumed(other.port, answer, ids_of(got)[-1])
    assert b'"code": "lost"' in rest
    texts = texts_of(got)[: ids_of(got)[-1]] + texts_of(rest)
    assert texts == list(range(len(texts)))


def test_redis_keeps_nothing_of_what_nobody_came_back_for(llm: FakeLLM, redis: RedisProcess):
    env = {"REDIS_URL": redis.url, "RESUME_S": "0.3"}
    with serving(llm, env, step6_resumable, **ENDLESS) as server, redis.client() as client:
        for _ in range(3):
            begun(server.port, b'"#3')
        assert client.dbsize()
        until(lambda: llm.totals().open == 0)
        until(lambda: not client.keys("{chat}:[ea]*:*"))
