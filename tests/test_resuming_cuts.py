"""A thousand random cuts over two server processes: no token lost, none doubled."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cuts import Tale, told_with_cuts
from tests.mechanism import nothing_left, until
from tests.redis_process import RedisProcess
from workshop_lib.pipe.app_process import AppProcess
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import SMALL

pytestmark = pytest.mark.measures

ANSWERS, CUTS_EACH, TOKENS, SEED = 50, 20, 100, 9
ANSWER = {"tokens_per_s": 0, "answer_tokens": TOKENS, "token_bytes": 600, "first_token_s": 0.3}
# less than an answer has, and more than all sockets on the way of one take
SETTINGS = {"REPLAY_BYTES": "50000", "MAX_STREAMS_PER_USER": "1000", "HEARTBEAT_S": "0.05"}
STEP = "servers.step6_resumable"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf, **ANSWER) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


async def all_told(ports: list[int]) -> list[Tale]:
    readers = [told_with_cuts(ports, CUTS_EACH, SEED * ANSWERS + one) for one in range(ANSWERS)]
    return await asyncio.gather(*readers)


def test_a_thousand_cuts_lose_no_token_and_double_none(llm: FakeLLM, redis_program: str):
    with ExitStack() as stack:
        redis = stack.enter_context(RedisProcess(redis_program))
        env = {**llm.env, **SETTINGS, "REDIS_URL": redis.url}
        servers = [
            stack.enter_context(AppProcess(STEP, env=env, sndbuf=SMALL.server_sndbuf))
            for _ in range(2)
        ]
        tales = asyncio.run(all_told([server.port for server in servers]))
        assert [server.errors for server in servers] == [[], []]
        until(lambda: llm.totals().open == 0)
        assert llm.totals().streams == ANSWERS  # nothing was asked twice
    for tale in tales:
        assert tale.ending == "[DONE]"
        assert tale.numbers == list(range(1, TOKENS + 2))
        assert [int(text.split()[0][1:].rstrip(".")) for text in tale.texts] == list(range(TOKENS))
    phases = sum((tale.phases for tale in tales), Counter[str]())
    assert phases.total() == ANSWERS * CUTS_EACH
    assert phases.keys() == {"no token yet", "head", "bytes", "stall", "over"}
    assert min(phases.values()) > 20
    statuses = sum((tale.statuses for tale in tales), Counter[int]())
    assert statuses.keys() == {200, 204}  # the latter for who comes back and has had it all
    errors = sum((tale.errors for tale in tales), Counter[str]())
    assert errors.keys() <= {"taken_over"}  # by a request of its own that was held up
    assert errors.total() < 10
