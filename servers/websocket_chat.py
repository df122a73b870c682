"""Answer over a WebSocket: the reader can speak while it is being answered.

A message of ours is the data of an event of the other servers, after {"answer": number}, for what
a socket still holds of one answer comes before the next. The reader sends {"prompt": "..."};
{"shorter": true} asks the same again, {"stop": true} nothing more. Each ends the answer before it.

Any site's page may open a WebSocket here: for the public, compare the Origin header with your own.

Run it alone: python -m servers.websocket_chat
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSMessage, web

from servers.common import LLM_ERRORS, ask, ending, event, event_of, failure, needs, run


async def by_get(app: web.Application) -> AsyncIterator[None]:
    """A WebSocket begins as a GET (RFC 6455, section 4.1)."""
    app.router.add_get("/chat", chat)
    yield


@needs(by_get)
async def chat(request: web.Request) -> web.StreamResponse:
    # 0: each send waits until the socket has taken it; aiohttp's own limit looks once in 64 KiB
    socket = web.WebSocketResponse(writer_limit=0)
    await socket.prepare(request)
    if request.transport:
        request.transport.set_write_buffer_limits(high=0)
    prompt, number, answering = "", 0, None
    try:
        async for message in socket:  # ends when the reader leaves, whoever is waiting for it then
            said = order_of(message)
            if answering:
                await end(answering)
            prompt = str(said.get("prompt", prompt))
            if "stop" not in said:
                number += 1
                asked = f"{prompt} Shorter, please." if "shorter" in said else prompt
                answering = asyncio.create_task(answer(request.app, socket, number, asked))
    finally:
        if answering:
            await end(answering)
    return socket


async def end(answering: asyncio.Task[None]) -> None:
    """Cancel an answer, and return when its LLM has been told."""
    answering.cancel()
    await asyncio.wait([answering])


async def answer(
    app: web.Application, socket: web.WebSocketResponse, number: int, prompt: str
) -> None:
    """Ask for the next token when the socket has taken the last."""
    last = None
    try:
        await send(socket, event({"answer": number}))
        async with await ask(app, prompt) as stream:
            async for last in stream:
                await send(socket, event_of(last))
                await asyncio.sleep(0)  # a send gives nobody a turn while there is room
        await send(socket, ending(last))
    except web.HTTPError as refused:  # the handshake was the only status that this reader gets
        await socket.send_str(refused.text or "")
    except LLM_ERRORS:
        await send(socket, failure())
    except ConnectionError:
        pass  # the reader has left: whoever waits for its messages hears of it


async def send(socket: web.WebSocketResponse, an_event: bytes) -> None:
    """Send the data of an event; the message is its own frame."""
    if an_event:
        await socket.send_str(an_event.decode().removeprefix("data: ").strip())


def order_of(message: WSMessage) -> dict[str, Any]:
    """Return what a reader orders; what is no JSON object orders nothing, and ends its answer."""
    try:
        said = json.loads(message.data)
    except (TypeError, ValueError):
        said = None
    return said if isinstance(said, dict) else {"stop": True}


if __name__ == "__main__":
    run(chat)
