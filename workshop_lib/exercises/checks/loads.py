"""Does a load tell a server that hoards from one that does not? Run it against both, and see."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from servers import step1_broken, step3_cancelling
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import KERNELS_OWN, SLOW_3G, Experiment
from workshop_lib.verdict import Verdict, judge

CHECK_TIME_LAPSE = 4.0  # more would keep the server from its own pace: the SDK is costly
RATE_TOKENS_PER_S = 30.0
SECONDS = 20.0

LOADS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a": ("5 readers who read as fast as they can", {"readers": 5, "mix": {"steady": 1}}),
    "b": (
        "5 readers; one in five sleeps 100 ms between reads of 1,024 bytes",
        {"readers": 5, "mix": {"sleeper:1024:0.1": 0.2, "steady": 0.8}},
    ),
    "c": (
        "5 readers who stop reading; the kernel's own socket buffers",
        {"readers": 5, "mix": {"stalled": 1}, "buffers": KERNELS_OWN},
    ),
    "d": ("5 readers behind Slow 3G", {"readers": 5, "mix": {"steady": 1}, "link": SLOW_3G}),
    "e": (
        "5 readers who stop reading; socket buffers of 2,048 bytes",
        {"readers": 5, "mix": {"stalled": 1}},
    ),
}
WHY = {
    "a": "Who reads at full speed leaves nothing to hoard.",
    "b": "Even the sleepers have room for far more than a stream of tokens brings.",
    "c": "The sockets take megabytes for each reader, and would do so for an hour.",
    "d": "A stream of tokens is a small part of what such a link carries.",
}


def show_loads() -> None:
    """Print the five loads, one line each."""
    for letter, (about, _) in LOADS.items():
        print(f"{letter}: {about}")


async def judge_load(attempt: Any) -> str:
    if attempt not in LOADS:
        raise NotYet(f"The check got {attempt!r}. Give one letter, such as my_load = 'a'.")
    about, load = LOADS[attempt]
    broken, fixed = [await _verdict(server, load) for server in (step1_broken, step3_cancelling)]
    found = f"{about}.\nstep1_broken is {broken}\nstep3_cancelling is {fixed}"
    if broken.outcome == "growing" and fixed.outcome == "bounded":
        return f"{found}\nThis load tells them apart."
    raise NotYet(f"{found}\nThat does not tell them apart. {WHY.get(attempt, 'Run it again.')}")


async def _verdict(server: ModuleType, load: dict[str, Any]) -> Verdict:
    """Run a load in a time-lapse, the same at any pace of the lessons."""
    planned = Experiment(server, tokens_per_s=RATE_TOKENS_PER_S, seconds=SECONDS, **load)
    hurried = replace(
        planned,
        tokens_per_s=planned.tokens_per_s * CHECK_TIME_LAPSE,
        seconds=planned.seconds / CHECK_TIME_LAPSE,
        link=planned.link and planned.link.times(CHECK_TIME_LAPSE),
        time_lapse=CHECK_TIME_LAPSE,
    )
    return judge(await hurried.run())
