"""Who else calls while an experiment runs: polite readers, and waves of readers that stall."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from workshop_lib.pipe.child import Child, Message
from workshop_lib.pipe.crowd import Crowd
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import Server
from workshop_lib.pipe.sockets import SMALL

ANSWER_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.2


class Guests:
    """`polite` readers who note their waits, and `stalled` ones, who come back once cut off.

    They begin at `beginning_per_s`. Give it to `Experiment.run` as `beside`. Then `waits` holds
    what the polite ones noted, and `freed` counts stalled readers for whom the LLM was stopped
    though they were still there; `kept` are those of them whose connection the server had not let
    go. `cpu_share` is how much of one core the server took.
    """

    def __init__(self, polite: int, stalled: int, beginning_per_s: float) -> None:
        self._polite, self._stalled, self._per_s = polite, stalled, beginning_per_s
        self.waits: Message = {}
        self.freed = self.kept = self.waves = 0
        self.cpu_share = 0.0
        self._told = threading.Event()

    @contextmanager
    def __call__(self, llm: FakeLLM, server: Server) -> Iterator[None]:
        config = {"port": server.port, "readers": self._polite}
        polite = Child("tests.load.polite", config, self._on_message)
        over = threading.Event()
        stalling = threading.Thread(target=self._keep_stalling, args=(llm, server, over))
        process, began_s = psutil.Process(server.pid), time.monotonic()
        idle_s = _cpu_s(process)
        try:
            if self._stalled:
                stalling.start()
            yield
            self.cpu_share = (_cpu_s(process) - idle_s) / (time.monotonic() - began_s)
            polite.send({})
            if not self._told.wait(ANSWER_TIMEOUT_S):
                raise RuntimeError(
                    "The polite readers do not answer: the machine is overloaded. "
                    "Ask for fewer --readers, or for fewer --tokens-per-s."
                )
        finally:
            over.set()
            if stalling.ident:
                stalling.join()
            polite.stop()

    def _on_message(self, message: Message) -> None:
        self.waits = message
        self._told.set()

    def _keep_stalling(self, llm: FakeLLM, server: Server, over: threading.Event) -> None:
        while not over.is_set():
            self._wave(llm, server, over)

    def _wave(self, llm: FakeLLM, server: Server, over: threading.Event) -> None:
        """Let all of them stall until the LLM has been stopped for each, or the run is over."""
        first, self.waves = llm.totals().streams, self.waves + 1
        prompt = f"wave {self.waves}, guest "  # "reader 5" is for the crowd of the experiment
        with Crowd(
            f"{server.url}/chat",
            self._stalled,
            "stalled",
            rcvbuf=SMALL.reader_rcvbuf,
            ramp_s=self._stalled / self._per_s,
            prompt=prompt + "{k}",
        ) as crowd:
            stopped = set[str]()
            while len(stopped) < self._stalled and not over.wait(LOOK_EVERY_S):
                rows = [row for row in llm.ledger(since=first) if row.prompt.startswith(prompt)]
                stopped = {row.prompt for row in rows if row.ended_by}
            time.sleep(LOOK_EVERY_S)  # a process tells of its connections five times a second
            freed = [row for row in crowd.rows() if row.prompt in stopped]
            held = server.write_buffers() or {}
            self.freed += len(freed)
            self.kept += sum(row.local_port in held for row in freed)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
