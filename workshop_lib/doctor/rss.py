"""The resident size of a patient's processes, from before a probe to its largest."""

from collections.abc import Sequence

import psutil


class Rss:
    """Sums over processes; `grown_bytes` is None where none can be seen."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._before = self._largest = self._now()

    def note(self) -> None:
        """Take one sample."""
        self._largest = max(self._largest, self._now())

    def grown_bytes(self) -> int | None:
        """Return the largest size above the first."""
        return self._largest - self._before if self._before else None

    def _now(self) -> int:
        total = 0
        for process in self._processes:
            try:
                total += process.memory_info().rss
            except psutil.Error:
                pass
        return total
