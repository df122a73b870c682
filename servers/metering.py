"""Charge each user for what the LLM produces, also when the reader leaves in the middle.

Who the user is says the header X-User, which the proxy that authenticates must set, and strip from
what comes in: never trust it from the open network. Without it the peer's address is the user.

A stream is charged while it runs, CHARGE_TOKENS at a time, and ended when nothing is left: a user
overspends by that much, and a token, for each of the streams. Reserving the longest possible answer
beforehand would prevent even that, and refuse short questions while long answers run. Prompts are
free.
"""

import math
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aiohttp import web

from servers.budgets import Budgets, Left, LocalBudgets, Rules
from servers.common import event, refusal
from servers.deadlines import DEADLINES
from servers.journal import TALLY, Tally
from servers.settings import count, seconds
from servers.shared_budgets import SharedBudgets

CHARGE_TOKENS = 20
TRY_AGAIN_S = 5  # when a stream of the user's will have ended cannot be known
BUDGETS = web.AppKey("budgets", Budgets)
RULES = web.AppKey("rules", Rules)


async def budgets(app: web.Application) -> AsyncIterator[None]:
    """Needs the deadlines: no stream outlives them, so no lease has to be renewed."""
    limits = app[DEADLINES]
    rules = app[RULES] = Rules(
        budget_tokens=count("BUDGET_TOKENS", 100_000),
        window_s=seconds("BUDGET_WINDOW_S", 3600),
        streams=count("MAX_STREAMS_PER_USER", 5),
        lease_s=limits.start_s + limits.stream_s + 2 * limits.stall_s,
    )
    url = os.environ.get("REDIS_URL")
    app[BUDGETS] = SharedBudgets(url, rules) if url else LocalBudgets(rules)
    yield
    await app[BUDGETS].close()


class BudgetSpent(Exception):
    """Nothing is left in the middle of an answer."""


class Meter:
    """Charges one stream."""

    def __init__(self, budgets: Budgets, user: str, tally: Tally) -> None:
        self._budgets, self._user, self._tally = budgets, user, tally
        self._charged_tokens = 0
        self._is_spent = False
        tally.user = user

    async def charge(self) -> None:
        """Charge what has come since the last time, if it is enough; raises BudgetSpent.

        Not with the token that takes the last of the budget, for it may be the answer's last too.
        """
        tokens = self._tally.tokens - self._charged_tokens
        if tokens and self._is_spent:
            self._tally.outcome = "budget_spent"
            raise BudgetSpent
        if tokens >= CHARGE_TOKENS:
            self._is_spent = not (await self.settle()).tokens

    async def settle(self) -> Left:
        """Charge all that has not been charged."""
        tokens = self._tally.tokens - self._charged_tokens
        self._charged_tokens = self._tally.tokens
        return await self._budgets.charge(self._user, tokens)


@asynccontextmanager
async def metered(request: web.Request) -> AsyncGenerator[Meter]:
    """Take one of the user's places for the block, and charge what it has cost at its end."""
    budgets, stream = request.app[BUDGETS], uuid4().hex
    user = request.headers.get("X-User") or request.remote or "unknown"
    meter = Meter(budgets, user, request[TALLY])
    try:
        left = await budgets.enter(user, stream)
        if left.refused:
            raise _refusal(left, request.app[RULES])
        yield meter
    finally:
        if request[TALLY].tokens:
            await meter.settle()
        await budgets.leave(user, stream)


def _refusal(left: Left, rules: Rules) -> web.HTTPError:
    if left.refused == "budget":
        code, again_s = "budget_spent", math.ceil(left.renewed_s)
        message = f"Your {rules.budget_tokens:,} tokens are spent. Ask again in {again_s:,} s."
    else:
        code, again_s = "too_many_streams", TRY_AGAIN_S
        message = f"You have {rules.streams} answers running. Wait for one of them to end."
    headers = {"Retry-After": str(again_s), "X-Budget-Left": str(left.tokens)}
    return refusal(web.HTTPTooManyRequests, code, message, headers=headers)


def spent() -> bytes:
    """Make the error event of an answer that the budget has ended."""
    message = "Your budget is spent, and the answer ends here. Ask again when it is renewed."
    return event({"error": {"code": "budget_spent", "message": message}})
