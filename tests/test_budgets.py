"""The accounts keep their rules: in one process, over several in Redis, and while Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from servers import shared_budgets
from servers.budgets import Budgets, LocalBudgets, Rules
from servers.settings import BadSetting
from servers.shared_budgets import SharedBudgets
from tests.mechanism import SAFETY_S
from tests.redis_process import RedisProcess

RULES = Rules(budget_tokens=100, window_s=3600, streams=2, lease_s=600)
SHORT = Rules(budget_tokens=100, window_s=0.2, streams=2, lease_s=1)
NAMES = count()


@pytest.fixture(scope="module")
def shared_redis(redis_program: str) -> Iterator[RedisProcess]:
    with RedisProcess(redis_program) as redis:
        yield redis


@pytest.fixture
def redis(redis_program: str) -> Iterator[RedisProcess]:
    """One that may be killed."""
    with RedisProcess(redis_program) as redis:
        yield redis


@asynccontextmanager
async def shared(redis: RedisProcess, rules: Rules = RULES) -> AsyncIterator[SharedBudgets]:
    budgets = SharedBudgets(redis.url, rules)
    try:
        yield budgets
    finally:
        await budgets.close()


@pytest.fixture(params=["local", "shared"])
async def budgets(request: pytest.FixtureRequest) -> AsyncIterator[Budgets]:
    """Both kinds, for which the same holds."""
    if request.param == "local":
        yield LocalBudgets(RULES)
        return
    async with shared(request.getfixturevalue("shared_redis")) as budgets:
        yield budgets


@pytest.fixture
def user() -> str:
    """Name somebody who has asked nothing yet."""
    return f"user {next(NAMES)}"


async def test_what_is_charged_is_taken_off(budgets: Budgets, user: str):
    assert await budgets.enter(user, "a") == (100, 0, "")
    left = await budgets.charge(user, 30)
    assert left.tokens == 70
    assert 3500 < left.renewed_s <= 3600
    assert (await budgets.enter(user, "b")).tokens == 70


async def test_who_has_nothing_left_is_refused(budgets: Budgets, user: str):
    await budgets.enter(user, "a")
    assert (await budgets.charge(user, 130)).tokens == 0
    await budgets.leave(user, "a")
    left = await budgets.enter(user, "b")
    assert (left.tokens, left.refused) == (0, "budget")
    assert 3500 < left.renewed_s <= 3600


async def test_later_tokens_do_not_put_the_renewal_off(budgets: Budgets, user: str):
    first = await budgets.charge(user, 1)
    await asyncio.sleep(0.05)
    assert (await budgets.charge(user, 1)).renewed_s < first.renewed_s


async def test_so_many_streams_run_at_once(budgets: Budgets, user: str):
    for stream in "ab":
        assert not (await budgets.enter(user, stream)).refused
    left = await budgets.enter(user, "c")
    assert (left.tokens, left.refused) == (100, "streams")
    await budgets.leave(user, "c")  # it had no place to give back
    assert (await budgets.enter(user, "c")).refused == "streams"
    await budgets.leave(user, "a")
    assert not (await budgets.enter(user, "c")).refused


async def test_users_do_not_share(budgets: Budgets, user: str):
    await budgets.charge(user, 100)
    assert (await budgets.enter(f"{user}, another", "a")).tokens == 100


async def test_a_window_ends(shared_redis: RedisProcess, user: str):
    async with shared(shared_redis, SHORT) as in_redis:
        for budgets in (LocalBudgets(SHORT), in_redis):
            assert (await budgets.charge(user, 100)).tokens == 0
            await _until_there_is_room(budgets, user)


async def test_a_process_keeps_nothing_of_users_that_have_gone():
    now_s = 0.0
    budgets = LocalBudgets(RULES, lambda: now_s)
    for number in range(1000):
        await budgets.enter(f"user {number}", "a")
        await budgets.charge(f"user {number}", 1)
        await budgets.leave(f"user {number}", "a")
    assert len(budgets) == 1000
    now_s = 3601.0
    await budgets.charge("another", 1)
    assert len(budgets) == 1


# -- over several processes -----------------------------------------------------------------------


async def test_processes_share_the_accounts(shared_redis: RedisProcess, user: str):
    async with shared(shared_redis) as one, shared(shared_redis) as other:
        await one.enter(user, "a")
        await one.charge(user, 60)
        assert (await other.enter(user, "b")).tokens == 40
        assert (await one.enter(user, "c")).refused == "streams"
        await other.charge(user, 60)
        await other.leave(user, "b")
        assert (await one.enter(user, "c")).refused == "budget"


async def test_the_place_of_a_process_that_died_comes_back(shared_redis: RedisProcess, user: str):
    async with shared(shared_redis, SHORT) as budgets:
        for stream in "ab":
            await budgets.enter(user, stream)
        assert (await budgets.enter(user, "c")).refused == "streams"
        await _until_there_is_room(budgets, user)


async def _until_there_is_room(budgets: Budgets, user: str) -> None:
    async with asyncio.timeout(SAFETY_S):
        while (await budgets.enter(user, "z")).refused:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.02)


async def test_redis_keeps_nothing_for_ever(shared_redis: RedisProcess, user: str):
    async with shared(shared_redis) as budgets:
        await budgets.enter(user, "a")
        await budgets.charge(user, 1)
        with shared_redis.client() as client:
            keys = [key for key in client.scan_iter() if f"{{{user}}}".encode() in key]
            assert len(keys) == 2
            assert all(client.ttl(key) > 0 for key in keys)


# -- while Redis is away --------------------------------------------------------------------------


async def test_while_redis_is_away_a_process_counts_for_itself(
    redis: RedisProcess, user: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shared_budgets, "AWAY_S", 0.0)
    async with shared(redis) as budgets:
        await budgets.enter(user, "a")
        await budgets.charge(user, 90)
        redis.kill()
        assert (await budgets.charge(user, 20)).tokens == 80  # it knows only what it has counted
        assert not (await budgets.enter(user, "b")).refused
        assert (await budgets.charge(user, 80)).tokens == 0
        assert (await budgets.enter(user, "c")).refused == "budget"  # so never without a limit
        await budgets.leave(user, "b")
        redis.start()
        assert (await budgets.enter(user, "d")).tokens == 100  # a Redis that stores nothing forgets
        await budgets.charge(user, 30)
        with redis.client() as client:
            assert client.mget(client.keys("chat:spent:*")) == [b"30"]


async def test_one_that_hangs_is_waited_for_once(
    redis: RedisProcess, user: str, caplog: pytest.LogCaptureFixture
):
    async with shared(redis) as budgets:
        await budgets.enter(user, "a")
        redis.hang()
        for tokens in range(1, 6):
            assert (await budgets.charge(user, 1)).tokens == 100 - tokens
        assert len([text for text in caplog.messages if "Redis is away" in text]) == 1


async def test_a_restart_of_redis_is_not_noticed(redis: RedisProcess, user: str):
    async with shared(redis) as budgets:
        await budgets.enter(user, "a")
        redis.kill()
        redis.start()  # the connection is broken now, and the scripts are forgotten
        await budgets.charge(user, 30)
        with redis.client() as client:
            assert client.mget(client.keys("chat:spent:*")) == [b"30"]


def test_an_address_that_is_none_is_told():
    with pytest.raises(BadSetting, match=r"Set it like redis://"):
        SharedBudgets("somewhere", RULES)
