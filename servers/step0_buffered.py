"""Gather the whole answer, then send it.

Run it alone: python -m servers.step0_buffered
"""

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, run, start_stream


async def chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    try:
        chunks = [chunk async for chunk in stream]  # nobody reads a word until it is all here
        for last in chunks:
            await response.write(event_of(last))
            await writer.drain()
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    return response


if __name__ == "__main__":
    run(chat)
