"""Runs incidents, broken and repaired, several at once; each has an LLM and readers of its own."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from workshop_lib.field_cases.catalogue import INCIDENTS
from workshop_lib.field_cases.incident import Incident
from workshop_lib.field_cases.measuring import Found, Served

AT_ONCE = 4  # most of each is waiting


class Seen(NamedTuple):
    """What was found of an incident's two servers."""

    incident: Incident
    broken: Found
    repaired: Found

    @property
    def as_told(self) -> bool:
        """Whether the broken one was found sick, and the repaired one healthy."""
        wanted = self.incident.sick, self.incident.healthy
        return (self.broken.outcome, self.repaired.outcome) == wanted


def incident(name: str) -> Incident:
    """Return the incident of a name; raises ValueError with the names that there are."""
    if name not in INCIDENTS:
        raise ValueError(f"No case is called {name!r}. Take one of {', '.join(INCIDENTS)}.")
    return INCIDENTS[name]


async def see(*names: str) -> list[Seen]:
    """Measure both servers of each incident; an interrupt ends all, and nothing is left running."""
    wanted = [incident(name) for name in names]
    stopping, loop = threading.Event(), asyncio.get_running_loop()

    def measured(one: Incident, served: Served) -> Found:
        return asyncio.run(one.measurement.of(served, stopping))

    # in threads, for starting one must not make the others last longer
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="incident") as pool:
        running = [
            loop.run_in_executor(pool, measured, one, served)
            for one in wanted
            for served in (one.pair.broken, one.pair.repaired)
        ]
        try:
            found = await asyncio.gather(*running)
        finally:
            stopping.set()
            pool.shutdown(cancel_futures=True)
    return _paired(wanted, found)


def _paired(wanted: Sequence[Incident], found: Sequence[Found]) -> list[Seen]:
    return [Seen(*three) for three in zip(wanted, found[::2], found[1::2], strict=True)]
