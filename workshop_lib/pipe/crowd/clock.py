"""How long a reader could have read: what its rate is measured by."""

import time


class Clock:
    """Seconds that a reader had something to read, or chose not to."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._stopped_s: float | None = None

    def go(self) -> None:
        """Start it, or let it go on from where it stopped."""
        now_s = time.monotonic()
        if self._began_s is None:
            self._began_s = now_s
        elif self._stopped_s is not None:
            self._began_s += now_s - self._stopped_s
        self._stopped_s = None

    def stop(self) -> None:
        if self._began_s is not None and self._stopped_s is None:
            self._stopped_s = time.monotonic()

    @property
    def now_s(self) -> float:
        if self._began_s is None:
            return 0.0
        return (self._stopped_s or time.monotonic()) - self._began_s
