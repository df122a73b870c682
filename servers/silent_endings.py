"""Two servers that do not say that the LLM broke off: lesson 04 shows what their readers see.

Run the first one alone: python -m servers.silent_endings
"""

from collections.abc import Callable

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, run, start_stream
from servers.presence import while_reader_stays


async def quiet(request: web.Request) -> web.StreamResponse:
    """End the response as if the answer had been complete, only without [DONE]."""
    return await _chat(request, lambda: None)


async def torn(request: web.Request) -> web.StreamResponse:
    """Close the connection in the middle of the body, as a server does that is being restarted."""
    assert request.transport
    return await _chat(request, request.transport.close)


async def _chat(request: web.Request, fail: Callable[[], None]) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            async for last in stream:
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            fail()
    return response


if __name__ == "__main__":
    run(quiet)
