"""The fake LLM's process, as its parent starts it: configuration in, address out."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.fake_llm.app import FakeLLMApp
from workshop_lib.pipe.fake_llm.knobs import Answer
from workshop_lib.pipe.sockets import granted, listening_socket

STOP_TIMEOUT_S = 0.1


def allow_many_connections() -> None:
    """Raise the limit of open files as far as this user may: each stream takes one."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # macOS calls its limit unlimited, and is not
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@asynccontextmanager
async def serving(answer: Answer, port: int, sndbuf: int) -> AsyncGenerator[tuple[int, int]]:
    """Serve until the block ends; yields the port and the bytes the kernel granted to send."""
    allow_many_connections()
    with listening_socket(port=port, sndbuf=sndbuf) as sock:
        granted_bytes = granted(sock).send_bytes
        runner = web.AppRunner(
            FakeLLMApp(answer).application(),
            access_log=None,
            handler_cancellation=True,  # a reader that leaves ends its stream at once
            shutdown_timeout=STOP_TIMEOUT_S,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, sock, backlog=4096).start()
            yield sock.getsockname()[1], granted_bytes
        finally:
            await runner.cleanup()


async def serve_parent() -> None:
    """Serve for as long as the parent lives."""
    inbox = messages()
    config = await anext(inbox)
    answer = Answer().changed(config["knobs"])
    async with serving(answer, config["port"], config["sndbuf"]) as (port, sndbuf):
        report({"port": port, "sndbuf": sndbuf})
        async for _ in inbox:
            pass


if __name__ == "__main__":
    try:
        asyncio.run(serve_parent())
    except OSError as problem:
        sys.exit(str(problem.strerror))
