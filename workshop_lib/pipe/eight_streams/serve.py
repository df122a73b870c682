"""Hypercorn with a page and its streams: over HTTP/1.1, and over HTTP/2 with a certificate.

Run it alone to see it in your own browser: python -m workshop_lib.pipe.eight_streams.serve
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trustme
from hypercorn.asyncio import serve  # pyright: ignore[reportUnknownVariableType]
from hypercorn.config import Config

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.eight_streams import HTTP1
from workshop_lib.pipe.sockets import free_port

PAGE = Path(__file__).with_name("page.html")
TOKEN_EVERY_S = 0.1
USUAL_TOKENS = 20

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Pages:
    """The ASGI application."""

    def __init__(self, tokens: int, then: str) -> None:
        self._tokens, self._then = tokens, then

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["path"] == "/stream":
            await self._stream(send)
        elif scope["path"] == "/report":
            timeline = json.loads((await receive())["body"])
            report({"timeline": timeline})
            then = self._then if timeline["protocol"] == HTTP1 else None
            await _whole(send, "application/json", json.dumps(then).encode())
        else:
            await _whole(send, "text/html", PAGE.read_bytes())

    async def _stream(self, send: Send) -> None:
        await _head(send, "text/event-stream", [(b"x-tokens", str(self._tokens).encode())])
        for number in range(self._tokens):
            event = f'data: {{"token": "#{number} "}}\n\n'.encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.sleep(TOKEN_EVERY_S)
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def _head(send: Send, kind: str, more: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store"), *more]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _whole(send: Send, kind: str, body: bytes) -> None:
    await _head(send, kind, [])
    await send({"type": "http.response.body", "body": body})


def configured(folder: str, plain: int, secure: int) -> Config:
    """Configure Hypercorn with a certificate that nobody trusts, made for this run."""
    certificate = trustme.CA().issue_cert("127.0.0.1", "localhost")
    files = Path(folder, "key.pem"), Path(folder, "certificate.pem")
    certificate.private_key_pem.write_to_path(files[0])
    certificate.cert_chain_pems[0].write_to_path(files[1])
    config = Config()
    config.keyfile, config.certfile = map(str, files)
    config.insecure_bind, config.bind = [f"127.0.0.1:{plain}"], [f"127.0.0.1:{secure}"]
    config.errorlog = logging.Logger("hypercorn", level=logging.CRITICAL)
    return config


async def main() -> None:
    inbox = messages()
    tokens = USUAL_TOKENS if sys.stdin.isatty() else (await anext(inbox))["tokens"]
    plain, secure = free_port(), free_port()
    pages = Pages(tokens, f"https://127.0.0.1:{secure}/")
    with TemporaryDirectory(prefix="certificate-") as folder:
        config = configured(folder, plain, secure)
        serving = asyncio.create_task(serve(pages, config))  # type: ignore[arg-type]
        report({"url": f"http://127.0.0.1:{plain}/"})
        async for _ in inbox:
            pass
        serving.cancel()


if __name__ == "__main__":
    asyncio.run(main())
