"""Readers that keep what came and when: the tabs of a browser, and beside them one without a proxy.

The crowd counts for thousands; a witness remembers, for a few, what a picture of arrivals needs.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector

from workshop_lib.pipe.sse import SseParser
from workshop_lib.pipe.tokens import TokenScanner

# What Chromium and Firefox open to one origin over HTTP/1.1, whatever number of tabs asks for more
CONNECTIONS_A_BROWSER = 6
STOP_TIMEOUT_S = 5.0

Ended = Literal["waiting", "open", "complete", "told", "unfinished", "cut"]


class Arrival(NamedTuple):
    """One read: when it returned, and how many bytes and tokens were in it, uncompressed."""

    t_s: float
    size_bytes: int
    tokens: int


@dataclass
class Visit:
    """One answer as its reader has it; times are seconds since the witnesses began.

    The names of `headers` are in small letters; `head_s` is when they came. `ended`: waiting for a
    head, open, complete with [DONE], told of an error, unfinished (a body that ended without
    either), cut in the middle.
    """

    prompt: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    head_s: float | None = None
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    ended: Ended = "waiting"
    ended_s: float | None = None

    @property
    def tokens(self) -> int:
        """All that came."""
        return sum(arrival.tokens for arrival in self.arrivals)


class Witnesses:
    """Reads answers in a thread of its own: `tabs` of one browser at `url`, one at `direct_url`.

    The tabs share the connections that a browser has for one origin. All ask for compression, as
    browsers do. A context manager; when it is left, whatever is still open is closed.
    """

    def __init__(self, url: str, direct_url: str, tabs: int = 1) -> None:
        self.tabs = [Visit(f"tab {number}") for number in range(1, tabs + 1)]
        self.direct = Visit("direct")
        self._urls = url, direct_url
        self._looping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witnesses", daemon=True)

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._looping.wait(STOP_TIMEOUT_S)
        try:
            self._loop.call_soon_threadsafe(self._reading.cancel)
        except RuntimeError:  # all answers have ended, and the loop with them
            pass
        self._thread.join(STOP_TIMEOUT_S)

    @property
    def elapsed_s(self) -> float:
        """Seconds since they began."""
        return time.monotonic() - self._began_s

    def _run(self) -> None:
        try:
            asyncio.run(self._read_all())
        except asyncio.CancelledError:
            pass
        finally:
            self._looping.set()

    async def _read_all(self) -> None:
        self._loop = asyncio.get_running_loop()
        reading = asyncio.current_task()
        assert reading
        self._reading = reading
        self._looping.set()
        url, direct_url = self._urls
        pool = TCPConnector(limit_per_host=CONNECTIONS_A_BROWSER)
        patience = ClientTimeout(total=None)
        async with (
            ClientSession(connector=pool, timeout=patience) as browser,
            ClientSession(timeout=patience) as beside,
        ):
            tabs = [self._read(browser, url, tab) for tab in self.tabs]
            await asyncio.gather(*tabs, self._read(beside, direct_url, self.direct))

    async def _read(self, session: ClientSession, url: str, visit: Visit) -> None:
        try:
            async with session.post(url, json={"prompt": visit.prompt}) as response:
                visit.headers = {name.lower(): text for name, text in response.headers.items()}
                visit.head_s, visit.ended = self.elapsed_s, "open"
                visit.ended = await self._follow(response, visit)
        except ClientError:
            visit.ended = "cut"
        visit.ended_s = self.elapsed_s

    async def _follow(self, response: ClientResponse, visit: Visit) -> Ended:
        parser, scanner = SseParser(), TokenScanner()
        async for data in response.content.iter_any():
            tokens = len(scanner.feed(data))
            visit.arrivals.append(Arrival(self.elapsed_s, len(data), tokens))
            for event in parser.push(data):
                if event.data == "[DONE]":
                    return "complete"
                if event.data.startswith('{"error"'):
                    return "told"
        return "unfinished"
