"""The same accounts for several server processes, in Redis; each step there is one short script.

A script is atomic, and its clock is Redis's own, so processes need not agree on the time. While
Redis is away each process counts for itself: a user can have as many budgets as there are
processes, but never an endless one, and the chat goes on. What was counted so stays where it was.
"""

import json
import logging
import time
from typing import cast

from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from servers.budgets import Left, LocalBudgets, Rules
from servers.redis_client import connect

LOG = logging.getLogger("servers.budgets")
PATIENCE_S = 0.5
AWAY_S = 5.0  # one that hangs must not cost every stream its patience again and again

# KEYS: the tokens a user has spent, and the streams it has open, each until its lease ends: the
# place of one whose process has died comes back. ARGV: the rules, then a stream or some tokens.
ENTER = """
local budget, window_ms, streams, lease_s, stream = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local left = budget - (redis.call('GET', KEYS[1]) or 0)
local renewed_ms = redis.call('PTTL', KEYS[1])
if left <= 0 then return {0, renewed_ms, 'budget'} end
if redis.call('ZCARD', KEYS[2]) >= tonumber(streams) then return {left, renewed_ms, 'streams'} end
redis.call('ZADD', KEYS[2], now + lease_s, stream)
redis.call('EXPIRE', KEYS[2], math.ceil(lease_s))
return {left, renewed_ms, ''}
"""
CHARGE = """
local budget, window_ms, streams, lease_s, tokens = unpack(ARGV)
local spent = redis.call('INCRBY', KEYS[1], tokens)
if spent == tonumber(tokens) then redis.call('PEXPIRE', KEYS[1], window_ms) end
return {math.max(0, budget - spent), redis.call('PTTL', KEYS[1]), ''}
"""
LEAVE = "redis.call('ZREM', KEYS[2], ARGV[5]) return {0, 0, ''}"


class SharedBudgets:
    """The accounts in Redis; those of this process while it is away."""

    def __init__(self, url: str, rules: Rules) -> None:
        self._redis = connect(url, PATIENCE_S)
        self._enter, self._charge, self._leave = map(
            self._redis.register_script, (ENTER, CHARGE, LEAVE)
        )
        self._rules, self._local = rules, LocalBudgets(rules)
        self._away_until_s = 0.0

    async def enter(self, user: str, stream: str) -> Left:
        return await self._run(self._enter, user, stream) or await self._local.enter(user, stream)

    async def charge(self, user: str, tokens: int) -> Left:
        return await self._run(self._charge, user, tokens) or await self._local.charge(user, tokens)

    async def leave(self, user: str, stream: str) -> None:
        await self._local.leave(user, stream)  # Redis may have come or gone since it entered
        await self._run(self._leave, user, stream)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _run(self, script: AsyncScript, user: str, what: str | int) -> Left | None:
        """Run a script; None while Redis is away."""
        if time.monotonic() < self._away_until_s:
            return None
        # braces: a cluster keeps the keys of one user together
        keys = [f"chat:spent:{{{user}}}", f"chat:streams:{{{user}}}"]
        rules = self._rules
        window_ms = round(1000 * rules.window_s)
        args = [rules.budget_tokens, window_ms, rules.streams, rules.lease_s, what]
        try:
            tokens, renewed_ms, refused = await script(keys, args)
        except RedisError as problem:
            self._away_until_s = time.monotonic() + AWAY_S
            LOG.warning(json.dumps({"warning": f"Redis is away ({problem}); counting here."}))
            return None
        return Left(tokens, max(0, renewed_ms) / 1000, cast(bytes, refused).decode())
