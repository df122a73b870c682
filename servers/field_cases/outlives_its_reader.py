"""A task that reads the LLM: who stops it when the handler is stopped?

Run it alone: python -m servers.field_cases.outlives_its_reader
"""

import asyncio

from aiohttp import web
from openai import AsyncStream

from servers.common import Chunk, ask_llm, ending, event_of, start_stream
from servers.field_cases.alone import run_one
from servers.presence import while_reader_stays

PLACES = 20
Places = asyncio.Queue[Chunk | None]
PRODUCING = set[asyncio.Task[None]]()  # asyncio itself keeps no task alive


async def produce(stream: AsyncStream[Chunk], places: Places) -> None:
    async with stream:
        async for chunk in stream:
            await places.put(chunk)
    await places.put(None)


def begin(stream: AsyncStream[Chunk], places: Places) -> asyncio.Task[None]:
    producing = asyncio.create_task(produce(stream, places))
    PRODUCING.add(producing)
    producing.add_done_callback(PRODUCING.discard)
    return producing


async def broken(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request):
        places, last = Places(PLACES), None
        producing = begin(await ask_llm(request), places)
        response, writer = await start_stream(request)
        while chunk := await places.get():
            last = chunk
            await response.write(event_of(last))
            await writer.drain()
        await producing
        await response.write(ending(last))
    return response


async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request):
        places, last = Places(PLACES), None
        producing = begin(await ask_llm(request), places)
        try:
            response, writer = await start_stream(request)
            while chunk := await places.get():
                last = chunk
                await response.write(event_of(last))
                await writer.drain()
            await producing
            await response.write(ending(last))
        finally:
            producing.cancel()  # it knows nothing of the request, and nobody else ends it
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
