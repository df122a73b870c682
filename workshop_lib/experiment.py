"""The one mechanism: our LLM at one end, our readers at the other, every token accounted for."""

import asyncio
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from types import ModuleType
from typing import Any

from servers.common import Handler
from workshop_lib.meter.memory import Memory
from workshop_lib.meter.recording import FEWEST_SAMPLES, Recording
from workshop_lib.meter.sampler import BEAT_S, Sampler
from workshop_lib.meter.stations import Stations, complaints
from workshop_lib.meter.waiting import Waiting
from workshop_lib.pipe.app_process import AppProcess
from workshop_lib.pipe.crowd import Crowd
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.link import SLOW_3G, Link, Throttle
from workshop_lib.pipe.open_files import allow_open_files
from workshop_lib.pipe.proxy import Proxy, RunningProxy
from workshop_lib.pipe.server import Server, ServerThread
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import KERNELS_OWN, SMALL, Buffers, connecting_socket, granted
from workshop_lib.pipe.upstream import app_of

__all__ = ["KERNELS_OWN", "SLOW_3G", "SMALL", "Buffers", "Experiment", "Proxy", "Throttle"]

UPDATE_S = 0.18
MOST_SAMPLES = 200
QUICK_TIME_LAPSE = 4.0
QUICK_READERS = 0.2
# Of its seconds a run has at least this share with a core to run on, if it lasts ever so long.
LEAST_SHARE_AWAKE = 0.75
MOST_TIMES_AS_LONG = 10

Beside = Callable[[FakeLLM, Server], AbstractContextManager[object]]


@dataclass(frozen=True)
class Experiment:
    """A crowd of readers calls a server, whose LLM is ours, for `seconds`.

    `server` is a module of `servers`, a handler, or a command that serves on $PORT. `mix` says
    which habits the readers have, by share or count. Every answer has `answer_tokens` tokens of
    `token_bytes` bytes at `tokens_per_s` (0: as fast as it can), the first after `first_token_s`;
    `knobs` are further ones of the LLM, such as a fault, and `env` holds the server's settings,
    which no time-lapse changes. `link` lies between the server and each
    reader (None: nothing but the loopback), or a `proxy` does. The readers send `headers`, begin
    within `ramp_s` (None: at once), and reader k asks in the name of `users[k]`, if there are any;
    with `websocket` each opens one, and asks in its first message. A run whose samples come late
    lasts until there are `fewest_samples`, or as many as its seconds have beats.
    A module runs in a background thread, or with `fresh_process` in a process whose memory no
    earlier run has touched.
    """

    server: ModuleType | Handler | Sequence[str]
    readers: int = 50
    mix: Mapping[str, float] = field(default_factory=lambda: {"stalled": 0.9, "steady": 0.1})
    tokens_per_s: float = 30.0
    token_bytes: int = 5
    answer_tokens: int = 100_000
    seconds: float = 20.0
    buffers: Buffers = SMALL
    seed: int = 1
    fresh_process: bool = False
    time_lapse: float = 1.0
    first_token_s: float = 0.0
    link: Throttle | None = None
    knobs: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    proxy: Proxy | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    ramp_s: float | None = None
    users: Sequence[str] = ()
    websocket: bool = False
    fewest_samples: int = FEWEST_SAMPLES

    def __post_init__(self) -> None:
        if isinstance(self.users, int | str):
            raise TypeError(
                f"users is {self.users!r}. Give their names, such as users=['ada', 'bob']; "
                "readers=50 says how many readers come"
            )

    @property
    def name(self) -> str:
        """What the server is called in a chart."""
        if isinstance(self.server, ModuleType):
            return self.server.__name__.rpartition(".")[2]
        if callable(self.server):
            return self.server.__name__
        # a command as it is known anywhere, without the folders of this machine
        return " ".join(part.rpartition("/")[2] for part in self.server)

    def at_pace(self) -> "Experiment":
        """Return the same run for a person, or with fewer readers and a time-lapse for CI.

        WORKSHOP_PACE=quick asks for the latter; as many tokens go to each reader.
        """
        if os.environ.get("WORKSHOP_PACE", "full") != "quick" or self.time_lapse != 1:
            return self
        return replace(
            self,
            readers=self._fewer(),
            mix=self._shares(),
            tokens_per_s=self.tokens_per_s * QUICK_TIME_LAPSE,
            seconds=self.seconds / QUICK_TIME_LAPSE,
            first_token_s=self.first_token_s / QUICK_TIME_LAPSE,
            link=self.link and self.link.times(QUICK_TIME_LAPSE),
            proxy=self.proxy and self.proxy.times(QUICK_TIME_LAPSE),
            ramp_s=self.ramp_s and self.ramp_s / QUICK_TIME_LAPSE,
            time_lapse=QUICK_TIME_LAPSE,
        )

    async def run(
        self,
        on_beat: Callable[[Recording], None] | None = None,
        stopping: asyncio.Event | threading.Event | None = None,
        beside: Beside = lambda llm, server: nullcontext(),
    ) -> Recording:
        """Run to the end, or until `stopping` is set; tell `on_beat` five times a second.

        On a machine so busy that samples come late, or that the stations wait for a core, a run
        lasts until there is enough to judge by.
        `beside` makes what else looks at the LLM and the server: it is entered before their
        readers come. Whatever ends the run, an interrupt too, nothing is left running.
        """
        experiment = self.at_pace()
        with experiment._wired(beside) as (recording, sampler, waiting):
            while not (stopping and stopping.is_set()) and experiment._lasts(
                sampler.elapsed_s, len(recording.samples), waiting
            ):
                await asyncio.sleep(UPDATE_S - sampler.elapsed_s % UPDATE_S)
                sampler.check()
                if on_beat:
                    on_beat(recording)
        return recording

    def _lasts(self, elapsed_s: float, samples: int, waiting: Waiting) -> bool:
        """Tell whether the run goes on; the time in which it was kept still hardly counts."""
        if elapsed_s < self.seconds or samples < self.samples_due:
            return True
        awake_s = elapsed_s - waiting.seconds()
        return (
            awake_s < LEAST_SHARE_AWAKE * self.seconds
            and elapsed_s < MOST_TIMES_AS_LONG * self.seconds
        )

    def run_blocking(self) -> Recording:
        """Run without an event loop, as a script or a test does."""
        return asyncio.run(self.run())

    @contextmanager
    def _wired(self, beside: Beside) -> Generator[tuple[Recording, Sampler, Waiting]]:
        """Start the stations from the LLM to the readers; stop them the other way round."""
        allow_open_files(2 * self.readers)  # the server's: each reader's, and its stream's
        with FakeLLM(sndbuf=self.buffers.llm_sndbuf, **self._llm_knobs()) as llm:
            with self._server(llm) as server:
                memory = Memory(server.pid)
                with (
                    beside(llm, server),
                    self._link(server) as link,
                    self._crowd((link or server).port) as crowd,
                ):
                    stations = Stations(llm, server, crowd, self.token_bytes, link)
                    recording = Recording(self._setup(llm, server, crowd, link))
                    gauges = stations.read, memory.rss_bytes
                    waiting = Waiting([llm.pid, server.pid, *crowd.pids])
                    with Sampler(recording, *gauges, self.beat_s) as sampler:
                        yield recording, sampler, waiting
                    recording.streams = stations.frozen()
                    recording.complaints = complaints(crowd.rows())
                if isinstance(server, ServerProcess):
                    recording.printed = server.last_words()
            recording.errors = list(server.errors)

    @property
    def beat_s(self) -> float:
        """Seconds from sample to sample: more of them, in a long run, no chart has room for."""
        return max(BEAT_S, self.seconds / MOST_SAMPLES)

    @property
    def samples_due(self) -> int:
        """Samples that a run has when none is late, as far as a judge needs them."""
        return min(self.fewest_samples, int(self.seconds / self.beat_s))

    def _llm_knobs(self) -> dict[str, Any]:
        return {
            "tokens_per_s": self.tokens_per_s,
            "token_bytes": self.token_bytes,
            "answer_tokens": self.answer_tokens,
            "first_token_s": self.first_token_s,
            "seed": self.seed,
            **self.knobs,
        }

    def _server(self, llm: FakeLLM) -> Server:
        env = {**llm.env, **self.env}
        if not isinstance(self.server, ModuleType) and not callable(self.server):
            return ServerProcess(self.server, env=env)
        sndbuf, rcvbuf = self.buffers.server_sndbuf, self.buffers.server_rcvbuf
        high_water_bytes = self.buffers.high_water
        if self.fresh_process:
            if not isinstance(self.server, ModuleType):
                raise ValueError(
                    "A fresh process cannot see a function of this notebook. "
                    "Name a module of servers, or leave fresh_process out."
                )
            return AppProcess(
                self.server.__name__,
                env=env,
                sndbuf=sndbuf,
                rcvbuf=rcvbuf,
                high_water_bytes=high_water_bytes,
            )
        handler: Handler = self.server.chat if isinstance(self.server, ModuleType) else self.server
        return ServerThread(
            lambda: app_of(handler, rcvbuf),
            env=env,
            sndbuf=sndbuf,
            high_water_bytes=high_water_bytes,
        )

    def _link(self, server: Server) -> AbstractContextManager[Link | RunningProxy | None]:
        sndbuf, rcvbuf = self.buffers.server_sndbuf, self.buffers.server_rcvbuf
        if self.proxy:
            return self.proxy.before(server.port, sndbuf=sndbuf, rcvbuf=rcvbuf)
        if self.link:
            return Link(server.port, self.link, sndbuf=sndbuf, rcvbuf=rcvbuf)
        return nullcontext()

    def _crowd(self, port: int) -> Crowd:
        return Crowd(
            f"{'ws' if self.websocket else 'http'}://127.0.0.1:{port}/chat",
            self.readers,
            self.mix,
            rcvbuf=self.buffers.reader_rcvbuf,
            seed=self.seed,
            headers=self.headers,
            ramp_s=self.ramp_s,
            users=self.users,
        )

    def _fewer(self) -> int:
        """Count the readers of a quick run; users with names of their own all come."""
        fewer = max(5, round(self.readers * QUICK_READERS))
        return self.readers if self.users else min(self.readers, fewer)

    def _shares(self) -> dict[str, float]:
        total = sum(self.mix.values())
        return {habit: amount / total for habit, amount in self.mix.items()}

    def _upstream_buffer(self, server: Server) -> dict[str, int | None]:
        """State the server's side of the LLM's connections; a command's is its own affair."""
        if not server.granted:
            return {"server_rcvbuf_asked": None, "server_rcvbuf_granted": None}
        asked = self.buffers.server_rcvbuf
        with connecting_socket(asked) as like_it:
            granted_bytes = granted(like_it).receive_bytes
        return {"server_rcvbuf_asked": asked, "server_rcvbuf_granted": granted_bytes}

    def _setup(
        self, llm: FakeLLM, server: Server, crowd: Crowd, link: Link | RunningProxy | None
    ) -> dict[str, Any]:
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
            "first_token_s": self.first_token_s,
            "knobs": dict(self.knobs),
            "env": dict(self.env),
            "link": self.link and asdict(self.link),
            "proxy": asdict(self.proxy) | {"name": link.name}
            if self.proxy and isinstance(link, RunningProxy)
            else None,
            "headers": dict(self.headers),
            "users": list(self.users),
            "websocket": self.websocket,
            "seed": self.seed,
            "llm_sndbuf_asked": self.buffers.llm_sndbuf,
            "llm_sndbuf_granted": llm.granted_bytes,
            **self._upstream_buffer(server),
            "sndbuf_asked": self.buffers.server_sndbuf if server.granted else None,
            "sndbuf_granted": server.granted.send_bytes if server.granted else None,
            "rcvbuf_asked": self.buffers.reader_rcvbuf,
            "rcvbuf_granted": crowd.granted_bytes,
            "high_water_bytes": self.buffers.high_water,
        }
