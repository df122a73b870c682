"""How late an event loop is: by how much longer than asked a coroutine on it sleeps."""

import asyncio
import time
from collections.abc import AsyncIterator

from aiohttp import web

NAP_S = 0.01


class LoopLag:
    """Watches the loop that an app runs on, from its start to its end."""

    def __init__(self) -> None:
        self.delays_ms: list[float] = []

    async def watch(self, _: web.Application) -> AsyncIterator[None]:
        """Go into an app's `cleanup_ctx`."""
        watching = asyncio.create_task(self._nap())
        yield
        watching.cancel()

    async def _nap(self) -> None:
        while True:
            asleep_s = time.perf_counter()
            await asyncio.sleep(NAP_S)
            self.delays_ms.append((time.perf_counter() - asleep_s - NAP_S) * 1000)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] if values else float("nan")
