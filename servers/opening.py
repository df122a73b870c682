"""Open a stream so that nothing on its way holds it back: no proxy, no compressor, no buffer."""

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from servers.common import start_stream

HEADERS = {
    # no-transform: a proxy that compresses would gather tokens until a block is full (RFC 9111)
    "Cache-Control": "no-cache, no-transform",
    # nginx, and what is built on it, hands each event on at once; see its proxy_buffering
    "X-Accel-Buffering": "no",
}


async def open_stream(request: web.Request) -> tuple[web.StreamResponse, AbstractStreamWriter]:
    """Send the head at once, so that a proxy's time to the first byte does not hang on the LLM."""
    response, writer = await start_stream(request, HEADERS)
    if request.transport:
        # 0: drain() waits until the kernel has taken all, so what waits does so at the LLM, and
        # a reader that takes nothing is told from one that is slow
        request.transport.set_write_buffer_limits(high=0)
    return response, writer
