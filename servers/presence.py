"""Is the reader still there? What aiohttp does not tell a handler by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

# There is nothing to wait for: aiohttp can cancel every handler when its reader leaves, but only
# by a switch of the runner (handler_cancellation), which a handler can neither see nor set. A look
# is cheap: a thousand readers, five looks a second each, take about 4 % of a core.
LOOK_EVERY_S = 0.2
WATCHING = web.RequestKey("watching", asyncio.Task[None])


@asynccontextmanager
async def while_reader_stays(request: web.Request) -> AsyncGenerator[None]:
    """Cancel the block when the reader's connection ends, wherever it is waiting."""
    handler = asyncio.current_task()
    assert handler is not None
    request[WATCHING] = asyncio.create_task(_cancel_without_reader(request.transport, handler))
    try:
        yield
    finally:
        request[WATCHING].cancel()


def give_up(request: web.Request) -> asyncio.CancelledError:
    """End the reader's connection, and return what its handler is to raise, as if he had left.

    Nobody looks for him any more: a second cancellation would hit whatever the first one closes.
    """
    request[WATCHING].cancel()
    if request.transport:
        request.transport.abort()  # close() would wait until the reader has taken the rest
    return asyncio.CancelledError()


async def _cancel_without_reader(
    transport: asyncio.Transport | None, handler: asyncio.Task[object]
) -> None:
    if transport is not None:
        while not transport.is_closing():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(LOOK_EVERY_S)
        # a reader that closed its half only would keep the socket until it has read the rest
        transport.abort()
    handler.cancel()
