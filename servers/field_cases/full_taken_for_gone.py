"""What a write says when a reader has no room: wait, and not that he has left.

Run it alone: python -m servers.field_cases.full_taken_for_gone
"""

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, start_stream
from servers.field_cases.alone import run_one
from servers.presence import while_reader_stays


async def broken(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, _ = await start_stream(request)
        transport, last = request.transport, None
        try:
            async for last in stream:
                await response.write(event_of(last))
                if transport and transport.get_write_buffer_size():  # not all of it was taken
                    transport.close()
                    return response
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            async for last in stream:
                await response.write(event_of(last))
                await writer.drain()  # whoever leaves meanwhile is somebody else's affair
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
