"""The crowd's processes: started, told what to do, and ended together."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from workshop_lib.pipe.child import Child, Message
from workshop_lib.pipe.crowd.row import ReaderRow, Report, told

ANSWER_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.2


class Part:
    """Some of the readers, in a process of their own; `news` is notified of every report."""

    def __init__(self, config: Message, news: threading.Condition) -> None:
        self._news = news
        self.rows: dict[int, ReaderRow] = {}
        self.now_s = self.cpu_s = 0.0
        self.obeyed = 0
        self.child = Child("workshop_lib.pipe.crowd", config, self._on_report, started=False)

    def _on_report(self, message: dict[str, Any]) -> None:
        with self._news:
            for news in message["rows"]:
                told(news, self.rows)
            self.now_s, self.cpu_s = message["now_s"], message["cpu_s"]
            self.obeyed = message["obeyed"]
            self._news.notify_all()


class Parts:
    """One process for each of `configs`; what they report is as one crowd's."""

    def __init__(self, configs: Sequence[Message]) -> None:
        self._news = threading.Condition()
        self._parts = [Part(config, self._news) for config in configs]
        self._commands = 0
        self._stopped = False

    def start(self) -> Message:
        """Start them side by side; return what they are ready with when their readers begin."""
        try:
            for part in self._parts:
                part.child.spawn()
            for part in self._parts:
                part.child.wait_until_ready()
            self.do("begin")
        except BaseException:  # an interrupt while they start must not leave one behind
            self.stop()
            raise
        return self._parts[0].child.ready

    @property
    def pids(self) -> list[int]:
        return [part.child.pid for part in self._parts]

    def report(self) -> Report:
        """Return the last reports as one; raises RuntimeError if there will be no other."""
        if not self._stopped:
            self._check()
        with self._news:
            rows = {reader: row for part in self._parts for reader, row in part.rows.items()}
            now_s = max((part.now_s for part in self._parts), default=0.0)
            cpu_s = sum(part.cpu_s for part in self._parts)
        return Report(now_s, cpu_s, [rows[reader] for reader in sorted(rows)])

    def do(self, what: str) -> None:
        """Say it to all; return when all have done it and reported after it."""
        self._commands += 1
        command, at_s = self._commands, time.monotonic()
        for part in self._parts:
            part.child.send({"do": what, "number": command, "at_s": at_s})

        def done() -> bool:
            return all(part.obeyed >= command for part in self._parts)

        if not self.reach(done, ANSWER_TIMEOUT_S):
            raise RuntimeError(
                f"The crowd has not answered for {ANSWER_TIMEOUT_S:g} s: the machine may be "
                "overloaded. Stop this run and take fewer readers."
            )

    def reach(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for news until `reached` holds; False if the time is over first."""
        give_up_s = time.monotonic() + timeout_s
        with self._news:
            while not self._news.wait_for(reached, min(LOOK_EVERY_S, timeout_s)):
                self._check()
                if time.monotonic() > give_up_s:
                    return False
        return True

    def stop(self) -> None:
        """End them all, whatever happens meanwhile; a second call does nothing."""
        self._stopped = True
        with ExitStack() as stopping:
            for part in self._parts:
                stopping.callback(part.child.stop)
            for part in self._parts:  # so that they end side by side
                part.child.end()

    def _check(self) -> None:
        if self._stopped:
            raise RuntimeError("This crowd has been stopped. Start a new Crowd.")
        for part in self._parts:
            if not part.child.alive:
                which = f"One of the crowd's {len(self._parts)} processes"
                who = which if len(self._parts) > 1 else "The crowd's process"
                why = part.child.last_words() or "it was killed, and said nothing"
                raise RuntimeError(
                    f"{who} has ended, with {len(part.rows)} readers ({why.splitlines()[-1]}). "
                    "Start a new Crowd; with fewer readers if the machine is out of memory."
                )
