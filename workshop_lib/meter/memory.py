"""How much memory a process holds. It illustrates; the counters judge."""

import ctypes
import gc
import os

import psutil


class Memory:
    """The resident set of a process, in bytes above what it held when this was made."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        if pid == os.getpid():
            trim()
        self._baseline_bytes = self._process.memory_info().rss

    def rss_bytes(self) -> int | None:
        """Return the bytes above the baseline; None once the process has gone."""
        try:
            return self._process.memory_info().rss - self._baseline_bytes
        except psutil.NoSuchProcess:
            return None


def trim() -> None:
    """Give freed memory back, so that one run's leftovers are not the next run's baseline.

    malloc_trim(3) is glibc's own; elsewhere only the garbage is collected.
    """
    gc.collect()
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if malloc_trim:
        malloc_trim(0)
