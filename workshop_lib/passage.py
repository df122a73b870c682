"""Two questions to whatever lies between a server and its readers, each an experiment.

"It streams" and "it is backpressured" are two things: small events show the one, since they wait
for a buffer to fill, and large ones the other, since they fill whatever there is in a moment.
"""

import asyncio
import threading
from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from types import ModuleType
from typing import Any, TypeVar

from servers.common import Handler
from workshop_lib.arriving import judge_arrival
from workshop_lib.experiment import Experiment, Proxy
from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import judge

PACE: dict[str, Any] = {"tokens_per_s": 50.0, "seconds": 5.0}
LARGE_BYTES = 16_000
AT_ONCE = 4  # most of each is waiting

Served = ModuleType | Handler
Name = TypeVar("Name", bound=Hashable)


def small_events(server: Served, proxy: Proxy | None = None, **more: Any) -> Experiment:
    """Do tokens arrive one by one? One reader takes all that comes; tokens of 5 bytes."""
    load: dict[str, Any] = {"readers": 1, "mix": {"steady": 1}}
    return Experiment(server, proxy=proxy, **load | PACE | more)


def large_events(server: Served, proxy: Proxy | None = None, **more: Any) -> Experiment:
    """Does a stalled reader stop the LLM? Two readers take nothing; tokens of 16,000 bytes."""
    load: dict[str, Any] = {"readers": 2, "mix": {"stalled": 2}, "token_bytes": LARGE_BYTES}
    return Experiment(server, proxy=proxy, **load | PACE | more)


@dataclass(frozen=True)
class Passage:
    """What both runs have shown."""

    small: Recording
    large: Recording

    @property
    def name(self) -> str:
        """The program that lay in between."""
        proxy = self.small.setup["proxy"]
        return proxy["name"] if proxy else "nothing"

    def __str__(self) -> str:
        return f"{judge_arrival(self.small).outcome}, {judge(self.large).outcome}"


SetUps = Mapping[str, tuple[Served, Proxy | None]]


async def pass_through(
    set_ups: SetUps, large: Mapping[str, Recording] | None = None
) -> dict[str, Passage]:
    """Put both questions to each set-up: a server, and the proxy in front of it.

    `large` are runs with large events that have been made already.
    """
    made = {(name, large_events): run for name, run in (large or {}).items()}
    asked = product(set_ups, (small_events, large_events))
    made |= await run_all(
        {(name, question): question(*set_ups[name]) for name, question in asked
         if (name, question) not in made}
    )  # fmt: skip
    return {name: Passage(made[name, small_events], made[name, large_events]) for name in set_ups}


async def side_by_side(*experiments: Experiment) -> list[Recording]:
    """Run experiments as `run_all` does; return their recordings in the same order."""
    runs = await run_all({str(place): one for place, one in enumerate(experiments)})
    return [*runs.values()]


async def run_all(experiments: Mapping[Name, Experiment]) -> dict[Name, Recording]:
    """Run experiments a few at a time, each with an LLM, a server and readers of its own.

    In threads, for starting one must not make the others last longer. Whatever ends the wait, an
    interrupt too, ends them all.
    """
    stopping = threading.Event()

    def run(experiment: Experiment) -> Recording:
        return asyncio.run(experiment.run(stopping=stopping))

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="experiment") as pool:
        running = [loop.run_in_executor(pool, run, one) for one in experiments.values()]
        try:
            return dict(zip(experiments, await asyncio.gather(*running), strict=True))
        finally:
            stopping.set()
            pool.shutdown(cancel_futures=True)
