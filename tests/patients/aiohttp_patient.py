"""aiohttp-sse on aiohttp, and what is written on aiohttp without it."""

import asyncio
from contextlib import aclosing

from aiohttp import web
from aiohttp_sse import sse_response
from openai import AsyncOpenAI

from tests.patients.framing import SSE
from tests.patients.relay import FLAW, HEADERS, PORT, Refused, begin, lifespan

CLIENT = web.AppKey("client", AsyncOpenAI)


async def client(app: web.Application):
    async with lifespan(app) as made:
        app[CLIENT] = made["client"]
        yield


@web.middleware
async def refusals(request: web.Request, handler):
    try:
        return await handler(request)
    except Refused as refused:
        return web.json_response(refused.body, status=refused.status)


async def chat(request: web.Request) -> web.StreamResponse:
    pieces = await begin(request.app[CLIENT], (await request.json())["prompt"])
    async with (
        aclosing(pieces),
        sse_response(request, allow_all_methods=True, headers=HEADERS) as response,
    ):
        async for piece in pieces:
            for event in piece.decode().split("\n\n")[:-1]:
                await response.send(event.removeprefix("data: "))
    return response


async def forked_writes(request: web.Request) -> web.StreamResponse:
    """The flaw: a task for each write, so that nobody waits for any."""
    pieces = await begin(request.app[CLIENT], (await request.json())["prompt"])
    response = web.StreamResponse(headers={"Content-Type": SSE.media_type, **HEADERS})
    await response.prepare(request)
    async with aclosing(pieces):
        writing = [asyncio.create_task(response.write(piece)) async for piece in pieces]
    await asyncio.gather(*writing)
    return response


async def own_loop(request: web.Request) -> web.StreamResponse:
    """The shortest handler: it waits in write(), and for nobody's leaving."""
    pieces = await begin(request.app[CLIENT], (await request.json())["prompt"])
    response = web.StreamResponse(headers={"Content-Type": SSE.media_type, **HEADERS})
    if FLAW == "compresses":
        response.enable_compression()
    await response.prepare(request)
    async with aclosing(pieces):
        async for piece in pieces:
            await response.write(piece)
    return response


app = web.Application(middlewares=[refusals])
app.cleanup_ctx.append(client)
app.router.add_post("/chat", chat)
app.router.add_post("/forked-writes", forked_writes)
app.router.add_post("/own-loop", own_loop)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)
