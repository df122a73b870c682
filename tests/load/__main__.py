"""A thousand readers of one production server, a fifth of whom stall: python -m tests.load.

Two runs side by side, the polite readers alone and then the crowd with them: what somebody polite
waits for, whether those who stall are let go at the deadline, and whether memory grows.
"""

import argparse
import asyncio
import os
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from servers import step4_production
from tests.bench.machine import about_machine
from tests.load.guests import Guests
from tests.loop_lag import percentile
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.soak import FILLING_SHARE, Slope, slope_of

STALL_S = 30
FIRST_TOKEN_S = 0.5
TOKEN_BYTES = 400
MOST_READERS = 1000
# Who has left is noticed a moment later; a place has to be free for the next one meanwhile.
LLM_CONNECTIONS = 2 * MOST_READERS
BEGINNING_PER_S = 50


@dataclass(frozen=True)
class Plan:
    """Readers, how fast they come, and how long; `alone_s` is for the run without the crowd."""

    readers: int = MOST_READERS
    stalled: int = 200
    polite: int = 20
    tokens_per_s: float = 1.0
    seconds: float = 300.0
    alone_s: float = 60.0
    stall_s: float = STALL_S
    beginning_per_s: float = BEGINNING_PER_S


@dataclass(frozen=True)
class Outcome:
    """One run: what was recorded, and what its guests have seen."""

    recording: Recording
    guests: Guests

    def wait_s(self, what: str, share: float) -> float:
        return percentile(self.guests.waits[what], share)

    @property
    def memory_bytes(self) -> Slope:
        """The slope of the server's RSS, after the pipe has filled.

        It is no proof of a leak: what an allocator keeps of freed memory is in it. glibc's grew by
        1 MB a minute here, and slower each minute, while what was in use stood still (mallinfo2).
        """
        samples = self.recording.samples[round(len(self.recording.samples) * FILLING_SHARE) :]
        known = [(s.t_s, s.rss_bytes) for s in samples if s.rss_bytes is not None]
        return slope_of([t_s for t_s, _ in known], [rss for _, rss in known])


def run(plan: Plan, *, loaded: bool) -> Outcome:
    """Run the server with the polite readers, and with the crowd if it is to be loaded."""
    guests = Guests(plan.polite, plan.stalled if loaded else 0, plan.beginning_per_s)
    crowd = plan.readers - plan.polite - plan.stalled
    experiment = Experiment(
        step4_production,
        readers=crowd if loaded else 1,
        mix={"steady": 1.0},
        tokens_per_s=plan.tokens_per_s,
        token_bytes=TOKEN_BYTES,
        first_token_s=FIRST_TOKEN_S,
        seconds=plan.seconds if loaded else plan.alone_s,
        fresh_process=True,
        ramp_s=crowd / plan.beginning_per_s,
        env={
            "STALL_S": str(plan.stall_s),
            "STREAM_S": "100000",
            "LLM_CONNECTIONS": str(LLM_CONNECTIONS),
        },
    )
    return Outcome(asyncio.run(experiment.run(beside=guests)), guests)


def table_of(alone: Outcome, loaded: Outcome) -> Table:
    table = Table(title="What a polite reader waits for, ms")
    for column in ("", "alone", "in the crowd", "times"):
        table.add_column(column, justify="right")
    for name, what in (("time to first token", "first_tokens_s"), ("token gap", "gaps_s")):
        for share in (0.5, 0.99):
            values = [1000 * one.wait_s(what, share) for one in (alone, loaded)]
            times = values[1] / values[0]
            cells = (*(f"{value:,.0f}" for value in values), f"{times:.2f}")
            table.add_row(f"{name}, p{100 * share:.0f}", *cells)
    return table


def said_of(loaded: Outcome, plan: Plan) -> list[str]:
    """Say what became of the crowd, in sentences with figures."""
    guests, last = loaded.guests, loaded.recording.samples[-1].group()
    return [
        f"{guests.freed:,} readers that stalled, {plan.stalled} at a time, were let go "
        f"{plan.stall_s:g} s after the kernel had no room for them, and the LLM was stopped; "
        f"the server kept the connections of {guests.kept}.",
        f"{last.open:,} of {last.readers:,} steady readers are still served, with "
        f"{last.received_tokens:,} of {last.produced_tokens:,} tokens. "
        f"Polite readers asked {len(guests.waits['first_tokens_s']):,} times; "
        f"{guests.waits['empty']} answers were empty.",
        f"The server took {guests.cpu_share:.0%} of a core. Near 100 % everybody waits: "
        "then start another process of it.",
        f"The server's resident memory: {loaded.memory_bytes.per_min / 1000:+,.0f} "
        f"± {loaded.memory_bytes.margin / 1000:,.0f} kB a minute, with what the allocator keeps.",
        *(f"The server failed: {error}" for error in loaded.recording.errors[:3]),
    ]


def main() -> None:
    plan, asked = Plan(), argparse.ArgumentParser(prog="tests.load", description=__doc__)
    asked.add_argument("--readers", type=int, default=plan.readers)
    asked.add_argument("--stalled", type=float, default=0.2, help="their share")
    asked.add_argument("--minutes", type=float, default=plan.seconds / 60)
    asked.add_argument("--tokens-per-s", type=float, default=plan.tokens_per_s)
    given = asked.parse_args()
    if not 2 * plan.polite <= given.readers <= MOST_READERS or not 0 <= given.stalled <= 0.9:
        asked.error(
            f"take {2 * plan.polite} to {MOST_READERS} readers, and a share of 0 to 0.9 that stall"
        )
    os.environ.pop("WORKSHOP_PACE", None)  # a load has one pace
    plan = Plan(
        readers=given.readers,
        stalled=round(given.readers * given.stalled),
        tokens_per_s=given.tokens_per_s,
        seconds=given.minutes * 60,
        alone_s=min(plan.alone_s, given.minutes * 60),
    )
    console = Console()
    console.print(about_machine())
    console.print(
        f"{plan.readers} readers of {plan.tokens_per_s:g} tokens/s, {TOKEN_BYTES} bytes each"
    )
    alone, loaded = run(plan, loaded=False), run(plan, loaded=True)
    console.print(table_of(alone, loaded))
    for line in said_of(loaded, plan):
        console.print(line)


if __name__ == "__main__":
    main()
