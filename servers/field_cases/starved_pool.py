"""A pool of connections to the LLM: how long may somebody who takes nothing keep a place of it?

Run it alone: python -m servers.field_cases.starved_pool
"""

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, needs, start_stream
from servers.deadlines import deadlines, stall_limit
from servers.field_cases.alone import run_one
from servers.journal import journal
from servers.presence import while_reader_stays


@needs(journal, deadlines)
async def broken(request: web.Request) -> web.StreamResponse:
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


@needs(journal, deadlines)
async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            async for last in stream:
                async with stall_limit(request):  # STALL_S, and the reader loses his place
                    await response.write(event_of(last))
                    await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
