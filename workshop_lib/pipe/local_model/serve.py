"""The model's process, as its parent starts it: configuration in, address out."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.local_model.app import LocalModelApp
from workshop_lib.pipe.local_model.engine import start_engine
from workshop_lib.pipe.sockets import listening_socket

STOP_TIMEOUT_S = 0.1


@asynccontextmanager
async def serving(
    engine_url: str, port: int, sndbuf: int, options: Mapping[str, Any]
) -> AsyncGenerator[int]:
    """Serve what llama.cpp generates there until the block ends; yields the port."""
    with listening_socket(port=port, sndbuf=sndbuf) as sock:
        runner = web.AppRunner(
            LocalModelApp(engine_url, options).application(),
            access_log=None,
            handler_cancellation=True,  # a reader that leaves ends its answer at once
            shutdown_timeout=STOP_TIMEOUT_S,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, sock).start()
            yield sock.getsockname()[1]
        finally:
            await runner.cleanup()


async def serve_parent() -> None:
    """Serve for as long as the parent lives."""
    inbox = messages()
    config = await anext(inbox)
    engine = start_engine()  # ends with the process
    async with serving(engine.listening_address, **config) as port:
        report({"port": port})
        async for _ in inbox:
            pass


if __name__ == "__main__":
    try:
        asyncio.run(serve_parent())
    except OSError as problem:
        sys.exit(str(problem.strerror))
    except RuntimeError as problem:
        sys.exit(str(problem))
