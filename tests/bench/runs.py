"""The three runs of every peer: readers that stall, an LLM without a limit, and a fixed rate."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.bench.lineup import Peer
from tests.loop_lag import percentile
from workshop_lib.experiment import KERNELS_OWN, Buffers, Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.child import Child, Message
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import Server

# The readers' and the LLM's ends, and through tests.bench.launch the server's towards its readers.
# All else is the server's own default, its mark for drain() and its HTTP client's reads too.
TIGHT = Buffers(llm_sndbuf=4096, server_rcvbuf=0, server_sndbuf=2048, reader_rcvbuf=2048)
ANSWER_TIMEOUT_S = 15.0
AT_ONCE_PER_S = 150  # so many streams a second can the slowest peer open


class PeerFailed(Exception):
    """A peer did not start, ended in the middle, or gave no answer: what it said itself."""


@dataclass(frozen=True)
class Plan:
    """How much of everything: `FULL` is the benchmark, a test takes less."""

    stalled_readers: tuple[int, ...] = (50, 200, 1000)
    stalled_token_bytes: int = 2000  # a mark of 64 KiB is soon reached: the SDK is slow
    still_s: float = 1.2
    watched_s: float = 1.8
    most_s: float = 60.0
    busy_readers: int = 50
    busy_s: float = 5.0
    rate: float = 50.0
    rate_s: float = 6.0
    warm_up_s: float = 2.0
    probes: int = 4


FULL = Plan()


@dataclass
class Company:
    """What looks at a peer during a run, beside the gauges: its process, and a probe."""

    probes: int = 0
    pid: int = 0
    _told: list[Message] = field(default_factory=list[Message])
    _answered: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def beside(self, llm: FakeLLM, server: Server) -> Iterator[None]:
        self._llm, self._server, self.pid = llm, server, server.pid
        self._process = psutil.Process(server.pid)
        reads = [self._through(server, k) for k in range(self.probes)]
        reads += [self._direct(llm, k) for k in range(self.probes)]
        config = {"port": server.port, "reads": reads}
        self._probe = Child("tests.bench.probe", config, self._on_message)
        try:
            yield
        finally:
            self._probe.stop()

    def check(self) -> None:
        """Raise PeerFailed, with its last words, if the peer's process has ended."""
        try:
            if self._process.status() != psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            pass
        said = self._server.last_words()  # type: ignore[attr-defined]
        raise PeerFailed(f"it ended in the middle of a run; its last words: {said or '(none)'}")

    def cpu_s(self) -> float:
        used = self._process.cpu_times()
        return used.user + used.system

    def memory_bytes(self) -> tuple[int, int | None]:
        """Return RSS, and USS where the system tells it."""
        return self._process.memory_info().rss, getattr(
            self._process.memory_full_info(), "uss", None
        )

    def ask_probe(self, since_s: float) -> Message:
        """Return what the probe has seen since a moment of the monotonic clock."""
        self._answered.clear()
        self._probe.send({"since_s": since_s})
        if not self._answered.wait(ANSWER_TIMEOUT_S):
            raise PeerFailed("the probe beside it does not answer: the machine is overloaded")
        return self._told[-1]

    def late_s(self, since_s: float) -> tuple[list[float], list[float]]:
        """Return how late tokens came, by the LLM's schedule: through the server, and directly."""
        came = self.ask_probe(since_s)["came"]
        asked_s = time.monotonic()
        ledger = self._llm.ledger()
        zero_s = (asked_s + time.monotonic()) / 2 - ledger.now_s
        began_s = {row.prompt: zero_s + row.started_s for row in ledger}
        late: dict[str, list[float]] = {"through": [], "direct": []}
        prompts = [f"{way} {k}" for way in late for k in range(self.probes)]
        for prompt, tokens in zip(prompts, came, strict=True):
            if prompt in began_s:
                due = [(at, at - began_s[prompt] - n / self.tokens_per_s) for n, at in tokens]
                late[prompt.split()[0]] += [late_s for at, late_s in due if at >= since_s]
        return late["through"], late["direct"]

    tokens_per_s: float = 1.0

    def _on_message(self, message: Message) -> None:
        self._told.append(message)
        self._answered.set()

    def _through(self, server: Server, k: int) -> Message:
        return {"port": server.port, "path": "/chat", "body": f'{{"prompt": "through {k}"}}'}

    def _direct(self, llm: FakeLLM, k: int) -> Message:
        messages = f'[{{"role": "user", "content": "direct {k}"}}]'
        body = f'{{"model": "fake-llm", "stream": true, "messages": {messages}}}'
        return {"port": llm.port, "path": "/v1/chat/completions", "body": body}


def run(experiment: Experiment, company: Company, on_beat: Any) -> Recording:
    """Run an experiment in company; raise PeerFailed for whatever the peer is to blame for."""

    async def running() -> Recording:
        stopping = asyncio.Event()

        def beat(recording: Recording) -> None:
            company.check()
            if recording.samples and on_beat(recording):
                stopping.set()

        return await experiment.run(beat, stopping, company.beside)

    try:
        return asyncio.run(running())
    except (RuntimeError, psutil.NoSuchProcess) as problem:
        raise PeerFailed(str(problem)) from None


def stall(peer: Peer, readers: int, plan: Plan) -> dict[str, Any]:
    """Let readers stall until the LLM produces no more, and see what the server's memory holds."""
    company, told = Company(), dict[str, Any]()
    seen: list[tuple[float, int, int]] = []

    def on_beat(recording: Recording) -> bool:
        now = recording.samples[-1]
        seen.append((now.t_s, now.group().produced_tokens, now.rss_bytes or 0))
        if "still_s" not in told and still(seen, plan.still_s):
            told.update(still_s=now.t_s, tokens=seen[-1][1], rss_then_bytes=seen[-1][2])
        if now.t_s < told.get("still_s", plan.most_s) + plan.watched_s:
            return False
        told["uss_bytes"] = company.memory_bytes()[1]
        return True

    experiment = Experiment(
        peer.on_socket(TIGHT.server_sndbuf), readers, {"stalled": 1.0}, tokens_per_s=0,
        token_bytes=plan.stalled_token_bytes, first_token_s=1 + readers / AT_ONCE_PER_S,
        seconds=plan.most_s + plan.watched_s, buffers=TIGHT,
    )  # fmt: skip
    recording = run(experiment, company, on_beat)
    end = recording.samples[-1].group()
    return {
        "readers": readers,
        "seconds": round(recording.samples[-1].t_s, 1),
        "held_back": "still_s" in told,
        "rss_bytes": seen[-1][2],
        "uss_bytes": told.get("uss_bytes"),
        "rss_grown_while_stalled_bytes": seen[-1][2] - told.get("rss_then_bytes", 0),
        "tokens_while_stalled": end.produced_tokens - told.get("tokens", 0),
        "produced_tokens": end.produced_tokens,
        "in_server_tokens": end.queued_tokens,
        "in_server_bytes": end.queued_bytes,
        "complaints": recording.complaints,
    }


def still(seen: list[tuple[float, int, int]], for_s: float) -> bool:
    """Tell whether tokens have come, and none has for so long."""
    at_s, tokens, _ = seen[-1]
    then = [count for t_s, count, _ in seen if t_s <= at_s - for_s]
    return tokens > 0 and bool(then) and then[-1] == tokens


def flood(peer: Peer, plan: Plan) -> dict[str, Any]:
    """Let the LLM go as fast as it can to readers that read all: what does a CPU second pass?"""
    return _busy(peer, Company(), plan, plan.busy_readers, 0.0, plan.busy_s)


def at_rate(peer: Peer, plan: Plan) -> dict[str, Any]:
    """Let readers have so many tokens a second: how late do these come?"""
    company = Company(plan.probes, tokens_per_s=plan.rate)
    figures = _busy(peer, company, plan, plan.busy_readers - plan.probes, plan.rate, plan.rate_s)
    through, direct = figures.pop("late_s")
    if not through or not direct:
        raise PeerFailed("no token came through it to the probe")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        late, alone = percentile(through, share), percentile(direct, share)
        figures[f"added_ms_{name}"] = round(1000 * (late - alone), 2)
        figures[f"llm_alone_ms_{name}"] = round(1000 * alone, 2)
    return figures | {"latency_samples": len(through)}


def _busy(
    peer: Peer, company: Company, plan: Plan, readers: int, rate: float, seconds: float
) -> dict[str, Any]:
    marks: list[tuple[float, float, int]] = []
    told: dict[str, Any] = {}

    def on_beat(recording: Recording) -> bool:
        now = recording.samples[-1]
        if now.t_s >= plan.warm_up_s:
            marks.append((time.monotonic(), company.cpu_s(), now.group().received_tokens))
        if now.t_s < plan.warm_up_s + seconds:
            return False
        told.update(company.ask_probe(marks[0][0]))
        told["late_s"] = company.late_s(marks[0][0]) if rate else None
        return True

    experiment = Experiment(
        peer.on_socket(0), readers, {"steady": 1.0}, tokens_per_s=rate, answer_tokens=1_000_000,
        seconds=plan.warm_up_s + seconds + 30, buffers=KERNELS_OWN,
    )  # fmt: skip
    recording = run(experiment, company, on_beat)
    (began_s, cpu_began_s, tokens_before), (ended_s, cpu_s, tokens) = marks[0], marks[-1]
    passed, used_s, wall_s = tokens - tokens_before, cpu_s - cpu_began_s, ended_s - began_s
    if not passed:
        raise PeerFailed(f"no token came through: {(recording.complaints or ['no complaint'])[0]}")
    lags_ms = [round(lag, 2) for lag in told["lags_ms"]]
    return {
        "events": passed,
        "events_per_s": round(passed / wall_s),
        "events_per_cpu_s": round(passed / used_s) if used_s else None,
        "cpu_share": round(used_s / wall_s, 3),
        "lag_ms_p50": lags_ms[0],
        "lag_ms_p99": lags_ms[1],
        "lag_ms_max": lags_ms[2],
        "pings": told["pings"],
        "late_s": told["late_s"],
        "complaints": recording.complaints,
    }
