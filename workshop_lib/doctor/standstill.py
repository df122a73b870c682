"""When does a counter stand still? Not only for a moment, and not because its owner is busy."""

import time
from collections.abc import Sequence

import psutil

LEAST_S = 3.0
FEWEST_SAMPLES = 20
MOST_CPU_SHARE = 0.25


class Standstill:
    """Tells when a counter has not moved over many samples while its processes did next to nothing.

    A process that chews on what it has got may well go on pulling afterwards.
    """

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._at = -1
        self._restart()

    def reached(self, counter: int) -> bool:
        """Take one sample."""
        if counter != self._at:
            self._at = counter
            self._restart()
        self._samples += 1
        still_s = time.monotonic() - self._since_s
        if not counter or still_s < LEAST_S or self._samples < FEWEST_SAMPLES:
            return False
        if _cpu_s(self._processes) - self._cpu_s > still_s * MOST_CPU_SHARE:
            self._restart()
            return False
        return True

    def _restart(self) -> None:
        self._since_s, self._samples = time.monotonic(), 0
        self._cpu_s = _cpu_s(self._processes)


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    used_s = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
            used_s += times.user + times.system
        except psutil.Error:
            pass
    return used_s
