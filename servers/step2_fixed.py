"""Stream, and ask for the next token when the socket has taken the last.

Run it alone: python -m servers.step2_fixed
"""

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, run, start_stream


async def chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    try:
        async for last in stream:  # the next chunk is asked for only when this one is gone
            await response.write(event_of(last))
            await writer.drain()  # write() alone waits once in 64 KiB
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    return response


if __name__ == "__main__":
    run(chat)
