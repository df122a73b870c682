"""Bytes handed on as text: a character may be cut in two by the end of a read.

Run it alone: python -m servers.field_cases.cut_characters
"""

from codecs import getincrementaldecoder
from contextlib import AbstractAsyncContextManager

from aiohttp import web
from openai import AsyncAPIResponse, AsyncStream

from servers.common import CLIENT, MODEL, Chunk, prompt_of, start_stream
from servers.field_cases.alone import run_one
from servers.presence import while_reader_stays

Answer = AbstractAsyncContextManager[AsyncAPIResponse[AsyncStream[Chunk]]]


def _asked(request: web.Request, prompt: str) -> Answer:
    """Ask for the LLM's own bytes, to hand them on as they come."""
    return request.app[CLIENT].chat.completions.with_streaming_response.create(
        model=request.app[MODEL], messages=[{"role": "user", "content": prompt}], stream=True
    )


async def broken(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), _asked(request, await prompt_of(request)) as answer:
        response, writer = await start_stream(request)
        async for data in answer.iter_bytes():
            text = data.decode("utf-8", "replace")
            await response.write(text.encode())
            await writer.drain()
    return response


async def repaired(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), _asked(request, await prompt_of(request)) as answer:
        response, writer = await start_stream(request)
        decoder = getincrementaldecoder("utf-8")("replace")  # keeps the half of a character
        async for data in answer.iter_bytes():
            text = decoder.decode(data)
            await response.write(text.encode())
            await writer.drain()
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
