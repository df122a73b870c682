"""The crowd as the experiment sees it: readers in a process of their own."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from workshop_lib.pipe.child import Child
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.mix import Mix, habits_for, text_of
from workshop_lib.pipe.crowd.row import ReaderRow, Report

ANSWER_TIMEOUT_S = 30.0


class Crowd:
    """Readers with habits, mixed by shares or counts, that call `url` and count what they get.

    `rcvbuf` is asked of the kernel for each socket (bytes, 0: its own choice; `granted_bytes`
    says what came of it). Reader k sends `prompt` with `{k}` replaced, inside `body`. The readers
    begin within `ramp_s`. Raises ValueError for a mix or an address that cannot be.
    """

    def __init__(
        self,
        url: str,
        readers: int = 25,
        mix: Mix = "steady",
        *,
        rcvbuf: int = 0,
        seed: int = 1,
        ramp_s: float = 0.0,
        prompt: str = "reader {k}",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        body: str = '{"prompt": "{prompt}"}',
        end_mark: str = "[DONE]",
    ) -> None:
        self._config: dict[str, Any] = {
            "call": asdict(Call.to(url, method, headers or {}, body)),
            "habits": [text_of(habit) for habit in habits_for(readers, mix, seed)],
            "rcvbuf": rcvbuf,
            "seed": seed,
            "ramp_s": ramp_s,
            "prompt": prompt,
            "end_mark": end_mark,
        }
        self.granted_bytes = 0
        self._news = threading.Condition()
        self._values: dict[int, list[Any]] = {}
        self._now_s = self._cpu_s = 0.0
        self._obeyed = -1
        self._commands = 0

    def start(self) -> Self:
        """Start the process; return when its readers are on their way."""
        self._child = Child("workshop_lib.pipe.crowd", self._config, self._on_report)
        self.pid = self._child.pid
        self.granted_bytes = self._child.ready["rcvbuf_bytes"]
        try:
            self._wait_for(0)
        except BaseException:  # an interrupt while it starts must not leave it behind
            self.stop()
            raise
        return self

    def rows(self) -> list[ReaderRow]:
        """Return what each reader had at the last report, without waiting."""
        return self.report().rows

    def report(self) -> Report:
        """Return the last report as a whole, without waiting."""
        with self._news:
            rows = [ReaderRow.of(self._values[reader]) for reader in sorted(self._values)]
            return Report(self._now_s, self._cpu_s, rows)

    def refresh(self) -> Report:
        """Wait for a report made after this call, and return it."""
        self._do("report")
        return self.report()

    def freeze(self) -> None:
        """Stop all reading: when this returns nothing is read any more and `rows()` is exact."""
        self._do("freeze")

    def thaw(self) -> None:
        """Let the readers go on with their habits."""
        self._do("thaw")

    def stop(self) -> None:
        """Take a last report, close all sockets and end the process; a second call does nothing."""
        self._child.stop()

    def wait_until(
        self, reached: Callable[[list[ReaderRow]], bool], timeout_s: float = 60.0
    ) -> list[ReaderRow]:
        """Return the first rows for which `reached` holds; raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: reached(self.rows()), timeout_s):
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

    def _on_report(self, message: dict[str, Any]) -> None:
        with self._news:
            self._values |= {row[0]: row for row in message["rows"]}
            self._now_s, self._cpu_s = message["now_s"], message["cpu_s"]
            self._obeyed = message["obeyed"]
            self._news.notify_all()

    def _do(self, what: str) -> None:
        self._commands += 1
        self._child.send({"do": what, "number": self._commands})
        self._wait_for(self._commands)

    def _wait_for(self, command: int) -> None:
        give_up_s = time.monotonic() + ANSWER_TIMEOUT_S
        with self._news:
            while not self._news.wait_for(lambda: self._obeyed >= command, 0.2):
                if not self._child.alive:
                    raise RuntimeError("The crowd's process has ended. Start a new Crowd.")
                if time.monotonic() > give_up_s:
                    raise RuntimeError(
                        f"The crowd's process has not answered for {ANSWER_TIMEOUT_S:g} s: the "
                        "machine may be overloaded. Stop this run and take fewer readers."
                    )


def _states(rows: list[ReaderRow]) -> str:
    states = [row.state for row in rows]
    return ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
