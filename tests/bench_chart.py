"""What the live chart costs, and whether it disturbs the server: python -m tests.bench_chart

Prints; asserts nothing, for seconds depend on the machine. The server's loop lag is how much later
than asked its own event loop wakes up a coroutine that sleeps for 10 ms.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Future
from unittest.mock import patch

from servers import step1_broken
from tests.show_recordings import SETUP, a_run
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.server import ServerThread
from workshop_lib.show.chart import Chart
from workshop_lib.show.live import plan_of
from workshop_lib.show.screen import Screen

NAP_S = 0.01
RUN = Experiment(
    step1_broken, readers=25, mix={"stalled": 20, "steady": 5}, tokens_per_s=40, seconds=15
)


def main() -> None:
    frame_cost()
    asyncio.run(compare_lags())


def frame_cost() -> None:
    """Print the CPU time and the bytes of a frame, with and without a new scale."""
    run, chart = a_run(), Chart(SETUP)
    costs_ms: list[float] = []
    sizes: list[int] = []
    for beat in range(1, 75):
        until = run.until(beat / 5)
        cpu_s = time.process_time()
        sizes.append(len(chart.png(until)))
        costs_ms.append((time.process_time() - cpu_s) * 1000)
    ordered = sorted(costs_ms)
    print(
        f"a frame: CPU {statistics.median(ordered):.1f} ms median, {ordered[-4]:.1f} ms p95, "
        f"{ordered[-1]:.1f} ms with new scales; {statistics.mean(sizes) / 1000:.1f} kB"
    )


async def compare_lags() -> None:
    """Print the server's loop lag in runs with a chart, and without, by turns."""
    lags: dict[str, list[float]] = {"without": [], "with": []}
    print(f"load when it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for _ in range(2):
        for name in lags:
            screen = Screen(plan_of(RUN)) if name == "with" else None
            lags[name] += await lag_of(name, screen.show if screen else None)
    p95 = {name: percentile(values, 0.95) for name, values in lags.items()}
    for name, values in lags.items():
        median, p99 = percentile(values, 0.5), percentile(values, 0.99)
        print(
            f"server's loop lag {name} a chart: {median:.2f} ms median, {p95[name]:.2f} ms p95, "
            f"{p99:.2f} ms p99, {max(values):.1f} ms at most, {len(values)} naps"
        )
    print(f"p95 with / without: {p95['with'] / p95['without']:.2f}")


async def lag_of(name: str, draw: Callable[[Recording], None] | None) -> list[float]:
    """Run once with a probe on the server's loop, and return its delays in ms."""
    delays_ms: list[float] = []
    probes: list[Future[None]] = []
    start = ServerThread.start

    def start_with_probe(server: ServerThread) -> ServerThread:
        start(server)
        probes.append(asyncio.run_coroutine_threadsafe(probe(delays_ms), server._loop))
        return server

    beats_s: list[float] = []

    def on_beat(recording: Recording) -> None:
        beats_s.append(time.monotonic())
        if draw:
            draw(recording)

    with patch.object(ServerThread, "start", start_with_probe):
        recording = await RUN.run(on_beat)
    per_s = (len(beats_s) - 1) / (beats_s[-1] - beats_s[0])
    print(f"{name} a chart: {per_s:.2f} beats/s, {len(recording.samples)} samples")
    return delays_ms


async def probe(delays_ms: list[float]) -> None:
    while True:
        asleep_s = time.perf_counter()
        await asyncio.sleep(NAP_S)
        delays_ms.append((time.perf_counter() - asleep_s - NAP_S) * 1000)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


if __name__ == "__main__":
    main()
