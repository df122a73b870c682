"""What a server's event loop makes one wait, and how late its tokens come: seen from outside.

A process of its own, so that neither the server's work nor the bench's is in the figures. It asks
GET /ping, every PING_EVERY_S and on a connection that stays, whatever the answer is (no peer has
such a page): the loop has to turn once for it, in Python as in Node. And it reads some answers as
readers of the crowd do, noting when each token came; this clock is the LLM's clock too.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import closing
from typing import Any

from tests.loop_lag import percentile
from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.tokens import TokenScanner

PING_EVERY_S = 0.02
PING = b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def ping(port: int, waits: list[tuple[float, float]]) -> None:
    """Keep (asked at, waited for), in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        asked_s = time.monotonic()
        waits.append((asked_s, -1.0))  # not answered yet
        writer.write(PING)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length:" in head:
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        waits[-1] = asked_s, time.monotonic() - asked_s
        await asyncio.sleep(PING_EVERY_S)


async def answer(port: int, path: str, body: str) -> AsyncGenerator[tuple[int, float]]:
    """Yield (number, came at) of every token of one answer; leaving it leaves the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        scanner = TokenScanner()
        while data := await reader.read(65536):
            now_s = time.monotonic()
            for number in scanner.feed(data):
                yield number, now_s


async def read(port: int, path: str, body: str, tokens: list[tuple[int, float]]) -> None:
    async for token in answer(port, path, body):
        tokens.append(token)


def waited_s(waits: list[tuple[float, float]], since_s: float) -> list[float]:
    """Return how long pings waited, those too that a waiting one kept from being sent.

    Without these a loop that stood still for a second would count as one late ping among fifty.
    """
    now_s = time.monotonic()
    sent = [now_s - at if wait < 0 else wait for at, wait in waits if at >= since_s]
    return [wait - n * PING_EVERY_S for wait in sent for n in range(1 + int(wait / PING_EVERY_S))]


async def main() -> None:
    inbox = messages()
    config: dict[str, Any] = await anext(inbox)
    waits: list[tuple[float, float]] = []
    came: list[list[tuple[int, float]]] = [[] for _ in config["reads"]]
    tasks = [asyncio.create_task(ping(config["port"], waits))]
    for asked, tokens in zip(config["reads"], came, strict=True):
        tasks.append(asyncio.create_task(read(**asked, tokens=tokens)))
    report({"ready": True})
    async for message in inbox:
        lag_s = waited_s(waits, message["since_s"])
        lags_ms = [1000 * percentile(lag_s, share) for share in (0.5, 0.99, 1)]
        report({"lags_ms": lags_ms, "pings": len(waits), "came": came})
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
