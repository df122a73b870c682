"""The crowd as the experiment sees it: readers in processes of their own."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.mix import Mix, habits_for, text_of
from workshop_lib.pipe.crowd.parts import Parts
from workshop_lib.pipe.crowd.row import ReaderRow, Report
from workshop_lib.pipe.open_files import allow_open_files

READERS_A_PROCESS = 1000
# Reports take the server's thread, which is often in the process that reads them, the time to run:
# a small crowd has twenty a second, one of a hundred five, and thousands as many rows a second.
FEW_ROWS_PER_S = 500
REPORTED_ROWS_PER_S = 5000
REPORT_EVERY_S = 0.05, 0.2
# A server that accepts late leaves the rest to a queue, which the kernel cuts (somaxconn): whom it
# turns away there tries again a second later. Up to so many may come at once.
AT_ONCE = 500
BEGINNING_PER_S = 1000


class Crowd:
    """Readers with habits, mixed by shares or counts, that call `url` and count what they get.

    `rcvbuf` is asked of the kernel for each socket (bytes, 0: its own choice; `granted_bytes`
    says what came of it). Reader k sends `prompt` with `{k}` replaced, inside `body`. The readers
    begin within `ramp_s` (None: at once, or 1,000 a second if they are more than 500), from so many
    `processes` (None: one for a thousand of them, and no more than there are cores); which they
    are has no influence on what they do. Raises ValueError for a mix or an address that cannot be.
    """

    def __init__(
        self,
        url: str,
        readers: int = 25,
        mix: Mix = "steady",
        *,
        rcvbuf: int = 0,
        seed: int = 1,
        ramp_s: float | None = None,
        prompt: str = "reader {k}",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        body: str = '{"prompt": "{prompt}"}',
        end_mark: str = "[DONE]",
        processes: int | None = None,
        users: Sequence[str] = (),
    ) -> None:
        plans = _plans(readers, mix, seed, ramp_s)
        config: dict[str, Any] = {
            "call": asdict(Call.to(url, method, headers or {}, body)),
            "rcvbuf": rcvbuf,
            "prompt": prompt,
            "users": list(users),
            "end_mark": end_mark,
            "report_every_s": _report_every_s(readers),
        }
        self._shares = [config | {"readers": dealt} for dealt in _deal(plans, processes)]
        self._parts = Parts([])
        self.granted_bytes = 0

    def start(self) -> Self:
        """Start the processes; return when their readers are on their way.

        Raises RuntimeError when that cannot be: not so many open files, no new process.
        """
        allow_open_files(max(len(share["readers"]) for share in self._shares))
        self._parts = Parts(self._shares)
        self.granted_bytes = self._parts.start()["rcvbuf_bytes"]
        return self

    @property
    def pids(self) -> list[int]:
        """The numbers of its processes."""
        return self._parts.pids

    def rows(self) -> list[ReaderRow]:
        """Return what each reader had at the last report, without waiting."""
        return self.report().rows

    def report(self) -> Report:
        """Return the last report as a whole, without waiting; raises RuntimeError without one.

        Between two reports the processes' rows are of different moments, the last at `now_s`.
        """
        return self._parts.report()

    def refresh(self) -> Report:
        """Wait for a report made after this call, and return it."""
        self._parts.do("report")
        return self.report()

    def freeze(self) -> None:
        """Stop all reading: when this returns nothing is read any more and `rows()` is exact."""
        self._parts.do("freeze")

    def thaw(self) -> None:
        """Let the readers go on with their habits."""
        self._parts.do("thaw")

    def stop(self) -> None:
        """Take a last report, close all sockets and end the processes; twice changes nothing."""
        self._parts.stop()

    def wait_until(
        self, reached: Callable[[list[ReaderRow]], bool], timeout_s: float = 60.0
    ) -> list[ReaderRow]:
        """Return the first rows for which `reached` holds; raises TimeoutError."""
        if not self._parts.reach(lambda: reached(self.rows()), timeout_s):
            raise TimeoutError(
                f"The crowd did not get there within {timeout_s:g} s. See what its rows() say: "
                f"{_states(self.rows())}."
            )
        return self.rows()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _plans(readers: int, mix: Mix, seed: int, ramp_s: float | None) -> list[tuple[int, str, float]]:
    """Say of each reader its number, its habit, and when it begins."""
    rng = random.Random(seed)
    if ramp_s is None:
        ramp_s = readers / BEGINNING_PER_S if readers > AT_ONCE else 0.0
    habits = habits_for(readers, mix, seed)
    return [(k, text_of(habit), rng.uniform(0, ramp_s)) for k, habit in enumerate(habits)]


def _deal(
    plans: list[tuple[int, str, float]], processes: int | None
) -> list[list[tuple[int, str, float]]]:
    """Deal the readers out, so that each process has some of every habit."""
    most = max(1, len(plans))
    if processes is None:
        processes = min(os.cpu_count() or 1, -(-most // READERS_A_PROCESS))
    if not 1 <= processes <= most:
        raise ValueError(
            f"{len(plans)} readers cannot be spread over {processes} processes. "
            f"Give 1 to {most}, or leave it out."
        )
    return [plans[number::processes] for number in range(processes)]


def _states(rows: list[ReaderRow]) -> str:
    states = [row.state for row in rows]
    return ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))


def _report_every_s(readers: int) -> float:
    least, most = REPORT_EVERY_S
    return max(min(most, max(least, readers / FEW_ROWS_PER_S)), readers / REPORTED_ROWS_PER_S)
