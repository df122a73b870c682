"""Stream, and hoard for slow readers: what the socket does not take waits in a queue.

Run it alone: python -m servers.step1_broken
"""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, run, start_stream


async def chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue()

    async def read_llm() -> None:
        try:
            async for chunk in stream:
                queue.put_nowait(chunk)  # there is always room: nobody is ever told to wait
        finally:
            queue.put_nowait(None)

    reading = asyncio.create_task(read_llm())
    try:
        while chunk := await queue.get():
            last = chunk
            await response.write(event_of(last))
            await writer.drain()
        await reading
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    finally:
        reading.cancel()
    return response


if __name__ == "__main__":
    run(chat)
