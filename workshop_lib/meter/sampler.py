"""Reads all gauges at a steady beat, in a thread of its own, and says what that costs."""

import threading
import time
from collections.abc import Callable
from typing import Self

from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Gauges, Recording, Sample

BEAT_S = 0.1
# A sample of thousands of readers takes longer than a beat, and the interpreter from a server in
# this process: most of the time is to be without one, so that the server is seen as it is.
REST_PER_COST = 4


class Sampler:
    """Add a sample to a recording every `beat_s` from `read_streams` and `read_rss`.

    What a sample costs of CPU time it rests for four times, so a large crowd has fewer of them.
    A gauge that raises ends the sampling; `stop()` raises what it raised.
    """

    def __init__(
        self,
        recording: Recording,
        read_streams: Callable[[], list[StreamLedger]],
        read_rss: Callable[[], int | None],
        beat_s: float = BEAT_S,
    ) -> None:
        self._recording = recording
        self._read_streams = read_streams
        self._read_rss, self._beat_s = read_rss, beat_s
        self._stopping = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._start_s = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind: object, problem: object, at: object) -> None:
        self._stopping.set()
        self._thread.join()
        if self._problem and problem is None:
            raise self._problem

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first sample."""
        return time.monotonic() - self._start_s

    def check(self) -> None:
        """Raise what a gauge has raised, if one has."""
        if self._problem:
            raise self._problem

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                cpu_s = time.thread_time()
                self._sample()
                rest_s = REST_PER_COST * (time.thread_time() - cpu_s)
                self._stopping.wait(max(rest_s, self._beat_s - self.elapsed_s % self._beat_s))
        except Exception as problem:
            self._problem = problem

    def _sample(self) -> None:
        t_s, cpu_s = self.elapsed_s, time.thread_time()
        streams = self._read_streams()
        habits = sorted({stream.habit for stream in streams})
        groups = {h: Gauges.of([s for s in streams if s.habit == h]) for h in habits}
        self._recording.samples.append(Sample(round(t_s, 3), groups, self._read_rss()))
        self._note_cost(time.thread_time() - cpu_s, self.elapsed_s - t_s)

    def _note_cost(self, cpu_s: float, wall_s: float) -> None:
        cost = self._recording.sampler
        cost["samples"] = cost.get("samples", 0) + 1
        cost["cpu_s"] = round(cost.get("cpu_s", 0) + cpu_s, 4)
        cost["wall_s"] = round(cost.get("wall_s", 0) + wall_s, 4)
