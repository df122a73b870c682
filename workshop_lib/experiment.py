"""The one mechanism: our LLM at one end, our readers at the other, every token accounted for."""

import asyncio
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from servers.common import Handler, make_app
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.ledger import Readings, StreamLedger, read_ledger
from workshop_lib.meter.memory import Memory
from workshop_lib.meter.recording import Recording
from workshop_lib.meter.sampler import Sampler
from workshop_lib.pipe.crowd import Crowd, ReaderRow
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import Server, ServerThread
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.upstream import openai_client

UPDATE_S = 0.2
QUICK_TIME_LAPSE = 4.0
QUICK_READERS = 0.2
SETTLE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Buffers:
    """What is asked of the kernel and of asyncio for each connection, in bytes.

    0 leaves a socket to the kernel, which gives megabytes on loopback; `high_water` None leaves
    asyncio's 64 KiB.
    """

    llm_sndbuf: int = 4096
    server_rcvbuf: int = 16384
    server_sndbuf: int = 2048
    reader_rcvbuf: int = 2048
    high_water: int | None = 0


KERNELS_OWN = Buffers(0, 0, 0, 0, None)


@dataclass(frozen=True)
class Experiment:
    """A crowd of readers calls a server, whose LLM is ours, for `seconds`.

    `server` is a module of `servers`, a handler, or a command that serves on $PORT. `mix` says
    which habits the readers have, by share or count. Every answer has `answer_tokens` tokens of
    `token_bytes` bytes at `tokens_per_s` (0: as fast as it can).
    """

    server: ModuleType | Handler | Sequence[str]
    readers: int = 50
    mix: Mapping[str, float] = field(default_factory=lambda: {"stalled": 0.9, "steady": 0.1})
    tokens_per_s: float = 30.0
    token_bytes: int = 5
    answer_tokens: int = 100_000
    seconds: float = 20.0
    buffers: Buffers = Buffers()
    seed: int = 1
    time_lapse: float = 1.0

    @property
    def name(self) -> str:
        """What the server is called in a chart."""
        if isinstance(self.server, ModuleType):
            return self.server.__name__.rpartition(".")[2]
        return self.server.__name__ if callable(self.server) else " ".join(self.server)

    def at_pace(self) -> "Experiment":
        """Return the same run for a person, or with fewer readers and a time-lapse for CI.

        WORKSHOP_PACE=quick asks for the latter; as many tokens go to each reader.
        """
        if os.environ.get("WORKSHOP_PACE", "full") != "quick" or self.time_lapse != 1:
            return self
        return replace(
            self,
            readers=max(5, round(self.readers * QUICK_READERS)),
            mix=self._shares(),
            tokens_per_s=self.tokens_per_s * QUICK_TIME_LAPSE,
            seconds=self.seconds / QUICK_TIME_LAPSE,
            time_lapse=QUICK_TIME_LAPSE,
        )

    async def run(
        self,
        on_beat: Callable[[Recording], None] | None = None,
        stopping: asyncio.Event | None = None,
    ) -> Recording:
        """Run to the end, or until `stopping` is set; tell `on_beat` five times a second.

        Whatever ends it, an interrupt too, nothing is left running.
        """
        experiment = self.at_pace()
        with experiment._wired() as (recording, sampler):
            while sampler.elapsed_s < experiment.seconds and not (stopping and stopping.is_set()):
                await asyncio.sleep(UPDATE_S)
                sampler.check()
                if on_beat:
                    on_beat(recording)
        return recording

    def run_blocking(self) -> Recording:
        """Run without an event loop, as a script or a test does."""
        return asyncio.run(self.run())

    @contextmanager
    def _wired(self) -> Generator[tuple[Recording, Sampler]]:
        """Start the stations from the LLM to the readers; stop them the other way round."""
        with FakeLLM(
            sndbuf=self.buffers.llm_sndbuf,
            tokens_per_s=self.tokens_per_s,
            token_bytes=self.token_bytes,
            answer_tokens=self.answer_tokens,
            seed=self.seed,
        ) as llm:
            server = self._server(llm)
            memory = Memory(os.getpid())
            with (
                server,
                Crowd(
                    f"{server.url}/chat",
                    self.readers,
                    self.mix,
                    rcvbuf=self.buffers.reader_rcvbuf,
                    seed=self.seed,
                ) as crowd,
            ):
                gauges = _Gauges(llm, server, crowd)
                recording = Recording(self._setup(llm, server, crowd))
                if server.pid != os.getpid():
                    memory = Memory(server.pid)
                with Sampler(recording, gauges.read, memory.rss_bytes) as sampler:
                    yield recording, sampler
                recording.streams = gauges.frozen()
                recording.complaints = _complaints(crowd.rows())
        recording.errors = list(server.errors)

    def _server(self, llm: FakeLLM) -> Server:
        if isinstance(self.server, ModuleType):
            handler: Handler = self.server.chat
        elif callable(self.server):
            handler = self.server
        else:
            return ServerProcess(self.server, env=llm.env)
        return ServerThread(
            lambda: make_app(handler, lambda: openai_client(self.buffers.server_rcvbuf)),
            env=llm.env,
            sndbuf=self.buffers.server_sndbuf,
            high_water_bytes=self.buffers.high_water,
        )

    def _shares(self) -> dict[str, float]:
        total = sum(self.mix.values())
        return {habit: amount / total for habit, amount in self.mix.items()}

    def _setup(self, llm: FakeLLM, server: Server, crowd: Crowd) -> dict[str, Any]:
        habits = [row.habit for row in crowd.rows()]
        return {
            "server": self.name,
            "time_lapse": self.time_lapse,
            "readers": self.readers,
            "mix": {habit: habits.count(habit) for habit in sorted(set(habits))},
            "tokens_per_s": self.tokens_per_s,
            "token_bytes": self.token_bytes,
            "answer_tokens": self.answer_tokens,
            "seconds": self.seconds,
            "seed": self.seed,
            "llm_sndbuf_asked": self.buffers.llm_sndbuf,
            "llm_sndbuf_granted": llm.granted_bytes,
            "server_rcvbuf_asked": self.buffers.server_rcvbuf if server.granted else None,
            "sndbuf_asked": self.buffers.server_sndbuf if server.granted else None,
            "sndbuf_granted": server.granted.send_bytes if server.granted else None,
            "rcvbuf_asked": self.buffers.reader_rcvbuf,
            "rcvbuf_granted": crowd.granted_bytes,
            "high_water_bytes": self.buffers.high_water,
        }


class _Gauges:
    """Reads the stations from the reader's end, so that no token is seen at two of them."""

    def __init__(self, llm: FakeLLM, server: Server, crowd: Crowd) -> None:
        self._llm, self._server, self._crowd = llm, server, crowd

    def read(self) -> list[StreamLedger]:
        readers = self._crowd.rows()
        write_buffers = self._server.write_buffers()
        kernel = kernel_queues()
        streams = self._llm.ledger().streams
        ports = self._llm.port, self._server.port
        return read_ledger(Readings(*ports, streams, readers, write_buffers, kernel))

    def frozen(self) -> list[StreamLedger]:
        """Stop both ends, and read when the server has moved what it still can."""
        self._llm.freeze()
        self._crowd.freeze()
        deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
        before, now = [], self.read()
        while before != now and time.monotonic() < deadline_s:
            time.sleep(0.1)
            before, now = now, self.read()
        return now


def _complaints(readers: Sequence[ReaderRow]) -> list[str]:
    """Return what readers have to complain about, each complaint once, with its first reader."""
    first: dict[str, int] = {}
    for row in readers:
        for complaint in (row.error, None if row.in_order is True else row.in_order):
            if complaint:
                first.setdefault(complaint, row.reader)
    return [f"reader {reader}: {complaint}" for complaint, reader in first.items()]
