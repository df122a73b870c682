"""How long a run's processes have waited for a core: time in which a busy machine kept them still.

Linux tells it of each thread (/proc/PID/task/TID/schedstat; the second number, in nanoseconds, is
the time on a run queue). Elsewhere nobody does, and a run lasts as long as it was planned.
"""

import os
from collections.abc import Iterable, Iterator

NS_PER_S = 1e9


class Waiting:
    """Counts from when it is made; a thread that begins later counts from its own beginning."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self._before_ns = self._read_ns()

    def seconds(self) -> float:
        """Return how long the thread has waited that has waited longest; 0 where nobody tells."""
        now_ns = self._read_ns().items()
        return max((ns - self._before_ns.get(task, 0) for task, ns in now_ns), default=0) / NS_PER_S

    def _read_ns(self) -> dict[str, int]:
        tasks = (f"/proc/{pid}/task/{task}" for pid in self._pids for task in _threads(pid))
        return {task: waited for task in tasks if (waited := _waited_ns(task)) is not None}


def _threads(pid: int) -> Iterator[str]:
    try:
        yield from os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has gone, or this system has no such folder
        pass


def _waited_ns(task: str) -> int | None:
    try:
        with open(f"{task}/schedstat") as told:
            return int(told.read().split()[1])
    except (OSError, ValueError, IndexError):  # it has ended, or this kernel keeps no account
        return None
