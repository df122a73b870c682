"""An LLM that breaks off: is its reader told, or is the answer called complete?

Run it alone: python -m servers.field_cases.failure_as_done
"""

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, start_stream
from servers.field_cases.alone import run_one
from servers.presence import while_reader_stays


async def broken(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        try:
            async for chunk in stream:
                await response.write(event_of(chunk))
                await writer.drain()
        except LLM_ERRORS:
            pass  # what has come so far can be read
        await response.write(b"data: [DONE]\n\n")
    return response


async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            async for last in stream:
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
