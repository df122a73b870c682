"""How many readers fit on this machine, and what bounds them: python -m tests.bench_crowd

Prints; asserts nothing, for seconds depend on the machine. Three servers in a thread of this
process, so that the figures tell the readers' price from the servers': `source` writes tokens of
its own, `relay` passes the LLM's bytes on unread, `step3` is the workshop's, with the openai SDK.
"""

import argparse
import asyncio
import gc
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from aiohttp import ClientSession, TCPConnector, web
from httpx2 import Limits
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from rich.console import Console
from rich.table import Table

from servers import common, step3_cancelling
from tests.loop_lag import LoopLag, percentile
from workshop_lib.pipe.crowd import Crowd, Report
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.open_files import allow_open_files
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.tokens import token_text

SESSION = web.AppKey("session", ClientSession)
FULL_SHARE = 0.85  # of a core: what is busier than this cannot take much more
SETTLE_S = 2.0
WITHIN = 0.05
QUICK_MS = 20.0


def source_app(per_s: float) -> web.Application:
    """Write tokens after an absolute schedule: the least that a server of aiohttp's costs."""

    async def chat(request: web.Request) -> web.StreamResponse:
        await request.read()
        response, _ = await common.start_stream(request)
        began_s = time.monotonic()
        for token in range(10**9):
            await asyncio.sleep(began_s + token / per_s - time.monotonic())
            await response.write(common.event({"token": token_text(token)}))
        return response

    app = web.Application()
    app.router.add_post("/chat", chat)
    return app


def relay_app(per_s: float) -> web.Application:
    """Pass on what the LLM sends, as it comes, without a look into it."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(connector=TCPConnector(limit=0)) as app[SESSION]:
            yield

    async def chat(request: web.Request) -> web.StreamResponse:
        messages = [{"role": "user", "content": await common.prompt_of(request)}]
        asked = {"model": "fake-llm", "messages": messages, "stream": True}
        url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
        async with request.app[SESSION].post(url, json=asked, timeout=None) as upstream:
            response, _ = await common.start_stream(request)
            async for data in upstream.content.iter_any():
                await response.write(data)
        return response

    app = web.Application()
    app.router.add_post("/chat", chat)
    app.cleanup_ctx.append(session)
    return app


def step3_app(per_s: float) -> web.Application:
    """Serve the workshop's own step, with a client that opens as many connections as it needs."""

    def client() -> AsyncOpenAI:
        limits = Limits(max_connections=None)  # the SDK stops at 1,000
        return AsyncOpenAI(http_client=DefaultAsyncHttpxClient(limits=limits))

    return common.make_app(step3_cancelling.chat, client)


APPS = {"source": source_app, "relay": relay_app, "step3": step3_app}


@dataclass(frozen=True)
class Usage:
    """What every station has used at one moment: CPU seconds, and RSS in bytes."""

    at_s: float
    cpu_s: dict[str, float]
    rss_bytes: dict[str, int]


class Pauses:
    """How long each run of the garbage collector held up this process, the server's thread too."""

    def __init__(self) -> None:
        self.lasted_ms: list[float] = []

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        """Go into `gc.callbacks`."""
        if phase == "start":
            self._began_s = time.perf_counter()
        else:
            self.lasted_ms.append((time.perf_counter() - self._began_s) * 1000)


class Run:
    """One server and its crowd, from the first reader to what bounded them."""

    def __init__(self, kind: str, readers: int, per_s: float, **of_crowd: Any) -> None:
        self.kind, self.readers, self.per_s = kind, readers, per_s
        self._of_crowd = of_crowd
        self.lag, self._pauses = LoopLag(), Pauses()

    def measure(self, seconds: float, freeze_heap: bool = False) -> None:
        """Start everything, wait until all readers read, and watch them for so long."""
        allow_open_files(2 * self.readers)
        with ExitStack() as stations:
            self._llm_pid, env = None, {}
            if self.kind != "source":
                llm = stations.enter_context(FakeLLM(tokens_per_s=self.per_s))
                self._llm_pid, env = llm.pid, llm.env | {"NO_PROXY": "127.0.0.1"}
                # the relay reads its address when it is called
                stations.callback(os.environ.pop, "OPENAI_BASE_URL", None)
                os.environ |= {"OPENAI_BASE_URL": llm.base_url}
            server = stations.enter_context(ServerThread(self._app, env=env))
            crowd = Crowd(f"{server.url}/chat", self.readers, **self._of_crowd)
            turned_away = _turned_away()
            self._crowd = stations.enter_context(crowd)
            self._settle()
            if freeze_heap:
                gc.collect()
                gc.freeze()
                stations.callback(gc.unfreeze)
                time.sleep(SETTLE_S)
            self._watch(seconds)
            self.turned_away = _turned_away() - turned_away

    def _watch(self, seconds: float) -> None:
        self.before, self.used_before = self._crowd.refresh(), self._usage()
        self.lag.delays_ms.clear()
        gc.callbacks.append(self._pauses)
        time.sleep(seconds)
        gc.callbacks.remove(self._pauses)
        self.delays_ms = list(self.lag.delays_ms)
        self.after, self.used_after = self._crowd.refresh(), self._usage()

    def _app(self) -> web.Application:
        app = APPS[self.kind](self.per_s)
        app.cleanup_ctx.append(self.lag.watch)
        return app

    def _settle(self) -> None:
        """Wait until all have a token; if they never all do, until no other gets its first."""
        last, since_s = -1, time.monotonic()
        while last < self.readers and time.monotonic() - since_s < 10:
            reading = sum(row.tokens > 0 for row in self._crowd.rows())
            if reading > last:
                last, since_s = reading, time.monotonic()
            time.sleep(0.5)
        time.sleep(SETTLE_S)

    def _usage(self) -> Usage:
        server = next(one for one in threading.enumerate() if one.name.startswith("server on"))
        me = psutil.Process()
        in_server = {thread.id: thread for thread in me.threads()}[server.native_id or 0]
        server_s = in_server.user_time + in_server.system_time
        llm = [psutil.Process(self._llm_pid)] if self._llm_pid else []
        crowd = [psutil.Process(pid) for pid in self._crowd.pids]
        cpu_s = {"LLM": _cpu_s(llm), "server": server_s, "crowd": _cpu_s(crowd)}
        cpu_s["this process's rest"] = _cpu_s([me]) - server_s
        rss = {"LLM": llm, "server": [me], "crowd": crowd}
        rss_bytes = {name: sum(p.memory_info().rss for p in of) for name, of in rss.items()}
        return Usage(time.monotonic(), cpu_s, rss_bytes)

    @property
    def rates(self) -> list[float]:
        """Tokens a second of each reader."""
        return sorted(_rates(self.before, self.after))

    @property
    def reading(self) -> int:
        """How many readers had an answer that came."""
        return sum(row.state == "reading" and row.tokens > 0 for row in self.after.rows)

    @property
    def error(self) -> float:
        return sum(self.rates) / len(self.rates) / self.per_s - 1

    @property
    def cpu(self) -> dict[str, float]:
        """How much of one core each station took."""
        wall_s = self.used_after.at_s - self.used_before.at_s
        before, after = self.used_before.cpu_s, self.used_after.cpu_s
        return {name: (after[name] - before[name]) / wall_s for name in after}

    def bounds(self) -> list[str]:
        """Say in words what does not take more, or that nothing does."""
        full = [f"{name}: {share:.0%} of a core" for name, share in self.cpu.items()]
        found = [said for said in full if float(re.findall(r"(\d+)%", said)[0]) > 100 * FULL_SHARE]
        cores = os.cpu_count() or 1
        if sum(self.cpu.values()) > FULL_SHARE * cores:
            found.append(f"all {cores} cores: {sum(self.cpu.values()):.0%}")
        if (without := self.readers - self.reading) > 0:
            states = {row.error or row.state for row in self.after.rows if not row.tokens}
            found.append(f"{without:,} readers without an answer ({', '.join(sorted(states))})")
        if (longest_ms := max(self._pauses.lasted_ms, default=0.0)) > QUICK_MS:
            found.append(f"the garbage collector: a pause of {longest_ms:.0f} ms")
        if self.turned_away > 0:
            found.append(f"the kernel turned {self.turned_away:,} away (somaxconn {_somaxconn()})")
        return found or ["nothing yet"]


def _rates(before: Report, after: Report) -> Iterator[float]:
    for then, now in zip(before.rows, after.rows, strict=True):
        yield (now.tokens - then.tokens) / (after.now_s - before.now_s)


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


def _turned_away() -> int:
    """Return how often the kernel has had no room in a queue of new connections (Linux)."""
    table = Path("/proc/net/netstat")
    if not table.exists():
        return 0
    names, values = (line.split() for line in table.read_text().splitlines()[:2])
    return int(dict(zip(names, values, strict=True))["ListenOverflows"])


def _somaxconn() -> str:
    limit = Path("/proc/sys/net/core/somaxconn")
    return limit.read_text().strip() if limit.exists() else "unknown"


def table_of(per_s: float) -> Table:
    table = Table(title=f"A crowd at {per_s:g} tokens a second for each reader", show_lines=True)
    table.add_column("server")
    for column in (
        "readers",
        "tokens/s each: got",
        "error",
        "p5-p95",
        "loop lag ms p50 / p99 / max",
        "% of a core: LLM / server / crowd / rest",
        "RSS MB: LLM / server / crowd",
    ):
        table.add_column(column, justify="right")
    table.add_column("what bounds it")
    return table


def cells_of(run: Run) -> list[str]:
    rates, delays, cpu = run.rates, run.delays_ms, run.cpu
    lags = [percentile(delays, share) for share in (0.5, 0.99, 1)]
    shares = [cpu[name] for name in ("LLM", "server", "crowd", "this process's rest")]
    sizes = [run.used_after.rss_bytes[name] / 1e6 for name in ("LLM", "server", "crowd")]
    kept = abs(run.error) < WITHIN and lags[1] < QUICK_MS and run.reading == run.readers
    return [
        run.kind,
        f"{run.readers:,}",
        f"{sum(rates) / len(rates):.3f}",
        f"{run.error:+.1%}",
        f"{percentile(rates, 0.05):.2f}-{percentile(rates, 0.95):.2f}",
        " / ".join(f"{lag:.1f}" for lag in lags),
        " / ".join(f"{100 * share:.0f}" for share in shares),
        " / ".join(f"{size:.0f}" for size in sizes),
        "; ".join([*(["[green]kept[/]"] if kept else ["[red]missed[/]"]), *run.bounds()]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.bench_crowd", description=__doc__)
    parser.add_argument("--readers", type=int, nargs="+", default=[1000, 2000, 5000])
    parser.add_argument("--servers", nargs="+", choices=APPS, default=list(APPS))
    parser.add_argument("--tokens-per-s", type=float, default=1.0, help="of each reader")
    parser.add_argument("--seconds", type=float, default=10.0, help="watched, after all read")
    parser.add_argument("--processes", type=int, help="of the crowd")
    parser.add_argument("--ramp-s", type=float, help="for the readers to begin in")
    heap = "let the garbage collector pass over all there is once they read"
    parser.add_argument("--freeze-heap", action="store_true", help=heap)
    given = parser.parse_args()
    console, table = Console(), table_of(given.tokens_per_s)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    console.print(f"{cores} cores, load {load:.1f} before it began, somaxconn {_somaxconn()}")
    for kind in given.servers:
        for readers in given.readers:
            of_crowd = {"processes": given.processes, "ramp_s": given.ramp_s}
            run = Run(kind, readers, given.tokens_per_s, **of_crowd)
            run.measure(given.seconds, given.freeze_heap)
            table.add_row(*cells_of(run))
            console.print(" | ".join(cells_of(run)))
    console.print(table)
    console.print(
        f"kept: all readers read, rate error under {WITHIN:.0%}, lag p99 under {QUICK_MS:g} ms"
    )


if __name__ == "__main__":
    main()
