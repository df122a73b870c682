"""One run of the page in Chromium: a view, a text, and a CPU that may be slowed down."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from aiohttp import web
from playwright.sync_api import Browser, CDPSession

from tests.bench.figures import Row
from workshop_lib.meter.page_run import Commit, read_report
from workshop_lib.pipe.long_answer import LongAnswer
from workshop_lib.pipe.server import ServerThread

TIMEOUT_S = 180
FRAMES_PER_S = 60
WATCH_LONG_TASKS = """
window.longTasks = []
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.startTime)))
  .observe({ type: 'longtask' })
"""


@dataclass(frozen=True)
class LastPart(LongAnswer):
    """Its `last` sections come token by token, one after the other; `begun` is set with them."""

    last: int = 4
    begun: threading.Event = field(default_factory=threading.Event)

    @property
    def watched_sections(self) -> list[int]:
        return list(range(self.sections - self.last, self.sections))

    async def _at_pace(self, response: web.StreamResponse, tokens: list[str]) -> None:
        self.begun.set()
        await super()._at_pace(response, tokens)

    @property
    def watched_s(self) -> float:
        return sum(len(self.tokens[n]) for n in self.watched_sections) / self.tokens_per_s


@contextmanager
def serving(page: Path, answer: LongAnswer) -> Iterator[str]:
    """Serve a built page, whichever it is, and an answer; give the address."""

    async def index(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(page / "index.html")

    def app() -> web.Application:
        app = web.Application()
        app.router.add_get("/", index)
        app.router.add_static("/assets", page / "assets")
        app.router.add_post("/chat", answer.chat)
        return app

    with ServerThread(app) as server:
        yield server.url


def run(browser: Browser, page: Path, mode: str, throttle: float, answer: LastPart) -> Row:
    """Show an answer in one mode, and return what its last part cost."""
    with serving(page, answer) as url, browser.new_context() as context:
        tab = context.new_page()
        tab.add_init_script(WATCH_LONG_TASKS)
        debugger = context.new_cdp_session(tab)
        debugger.send("Performance.enable")
        debugger.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
        answer.begun.clear()
        tab.goto(f"{url}/?mode={mode}&prompt=hello&autostart=1")
        if not answer.begun.wait(TIMEOUT_S):
            raise TimeoutError(f"{mode} at {throttle}x: the last part has not begun.")
        before, since_ms = _spent_s(debugger), tab.evaluate("performance.now()")
        tab.wait_for_function("window.lastRun", timeout=TIMEOUT_S * 1000, polling=500)
        after, report = _spent_s(debugger), tab.evaluate("lastRun")
        late = tab.evaluate("(since) => longTasks.filter((at) => at >= since).length", since_ms)
        spent_ms = {name: round(1000 * (after[name] - before[name])) for name in after}
    return {"long_tasks": late, "spent_ms": spent_ms} | _of_commits(report, answer)


def _of_commits(report: dict[str, Any], answer: LastPart) -> Row:
    whole = read_report(report, "the benchmark's Chromium", answer.stretches)
    begin, end = answer.stretches[0][0], answer.stretches[-1][1]
    if whole.characters != end:
        raise RuntimeError(f"{whole.mode} shows {whole.characters} of {end} characters.")
    commits = [commit for commit in whole.commits if commit.characters > begin]
    return {
        "commits": len(commits),
        "dropped_frames": whole.dropped_frames - commits[0].dropped_frames,
        "frames": round(answer.watched_s * FRAMES_PER_S),
        "parsed_at_most": max(commit.parsed for commit in commits),
        **_work(commits),
    }


def _work(commits: list[Commit]) -> Row:
    work_ms = [commit.work_ms for commit in commits]
    p95 = quantiles(work_ms, n=20)[-1] if len(work_ms) > 1 else work_ms[0]
    return {"work_ms": median(work_ms), "work_ms_p95": p95, "work_ms_sum": round(sum(work_ms))}


def _spent_s(debugger: CDPSession) -> dict[str, float]:
    """Return what the page's main thread has spent so far, as the debugger has it."""
    metrics = debugger.send("Performance.getMetrics")["metrics"]
    found = {one["name"]: one["value"] for one in metrics}
    return {name: found[f"{name.capitalize()}Duration"] for name in ("script", "layout", "task")}
