"""Stream, wait for the socket, and stop the LLM when the reader leaves, at whatever moment.

Run it alone: python -m servers.step3_cancelling
"""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, run, start_stream
from servers.presence import while_reader_stays


async def chat(request: web.Request) -> web.StreamResponse:
    # the stream is closed on every way out: leaving a loop over it does not close it
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            async for last in stream:  # the next chunk is asked for only when this one is gone
                await response.write(event_of(last))
                await writer.drain()  # write() alone waits once in 64 KiB
                await asyncio.sleep(0)  # drain() gives nobody a turn while there is room
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


if __name__ == "__main__":
    run(chat)
