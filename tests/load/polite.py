"""Polite readers in a process of their own, who note how long they waited for what.

Each asks, reads some tokens, leaves, and asks again, so that first tokens are waited for all
through the run and not at its start alone.
"""

import asyncio
import time
from contextlib import aclosing
from typing import Any

from tests.bench.probe import answer
from workshop_lib.pipe.child import messages, report

TOKENS_A_VISIT = 20
REFUSED_AGAIN_AFTER_S = 0.5


class Waits:
    """Seconds waited, by what for; `empty` are answers without a single token."""

    def __init__(self) -> None:
        self.first_tokens_s: list[float] = []
        self.gaps_s: list[float] = []
        self.empty = 0


async def visit(port: int, name: str, waits: Waits) -> None:
    """Read the first tokens of one answer."""
    before_s, tokens = time.monotonic(), 0
    async with aclosing(answer(port, "/chat", f'{{"prompt": "{name}"}}')) as came:
        async for _, now_s in came:
            kind = waits.gaps_s if tokens else waits.first_tokens_s
            kind.append(now_s - before_s)
            before_s, tokens = now_s, tokens + 1
            if tokens == TOKENS_A_VISIT:
                return
    waits.empty += not tokens


async def keep_visiting(port: int, name: str, waits: Waits, begin_s: float) -> None:
    await asyncio.sleep(begin_s)
    while True:
        try:
            await visit(port, name, waits)
        except OSError:
            waits.empty += 1
            await asyncio.sleep(REFUSED_AGAIN_AFTER_S)


async def main() -> None:
    inbox = messages()
    config: dict[str, Any] = await anext(inbox)
    waits, readers = Waits(), config["readers"]
    visits = [
        asyncio.create_task(keep_visiting(config["port"], f"polite {k}", waits, k / readers))
        for k in range(readers)
    ]
    report({"ready": True})
    async for _ in inbox:
        report(vars(waits))
    for task in visits:
        task.cancel()
    await asyncio.gather(*visits, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
