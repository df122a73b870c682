"""Answers the customers of a shop: POST /chat with {"prompt": "..."}, server-sent events back.

PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator

from aiohttp import web
from openai import APIError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

RULES = "You answer questions about orders. Be brief."
PLACES = 16  # for what the writer has not taken yet
CLIENT = web.AppKey("client", AsyncOpenAI)
DONE, FAILED = "[DONE]", json.dumps({"error": {"code": "llm_failed", "message": "Ask again."}})

running: set[asyncio.Task[None]] = set()


async def read_llm(
    stream: AsyncStream[ChatCompletionChunk], events: asyncio.Queue[str | None]
) -> None:
    """Put the answer's events into the queue, and None behind the last."""
    finished = False
    try:
        async with stream:
            async for chunk in stream:
                choice = chunk.choices[0]
                finished = finished or bool(choice.finish_reason)
                if choice.delta.content:
                    await events.put(json.dumps({"token": choice.delta.content}))
        await events.put(DONE if finished else FAILED)
    except APIError:
        await events.put(FAILED)
    await events.put(None)


def in_the_background(stream: AsyncStream[ChatCompletionChunk]) -> asyncio.Queue[str | None]:
    """Read the LLM while the answer is being written, for the first token to come sooner."""
    events: asyncio.Queue[str | None] = asyncio.Queue(PLACES)
    task = asyncio.create_task(read_llm(stream, events))
    running.add(task)  # or the garbage collector takes it
    task.add_done_callback(running.discard)
    return events


async def chat(request: web.Request) -> web.StreamResponse:
    prompt = (await request.json())["prompt"]
    messages = [{"role": "system", "content": RULES}, {"role": "user", "content": prompt}]
    try:
        stream = await request.app[CLIENT].chat.completions.create(
            model=os.environ.get("MODEL", "gpt-4o-mini"),
            messages=messages,  # type: ignore[arg-type]
            stream=True,
        )
    except APIError:
        return web.json_response(json.loads(FAILED), status=502)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    writer = await response.prepare(request)
    assert writer is not None
    events = in_the_background(stream)
    while (event := await events.get()) is not None:
        await response.write(f"data: {event}\n\n".encode())
        await writer.drain()
    return response


async def client(app: web.Application) -> AsyncIterator[None]:
    async with AsyncOpenAI() as app[CLIENT]:
        yield


if __name__ == "__main__":
    app = web.Application()
    app.cleanup_ctx.append(client)
    app.router.add_post("/chat", chat)
    port = int(os.environ.get("PORT", "8000"))
    # a reader who leaves ends the handler
    web.run_app(app, host="127.0.0.1", port=port, handler_cancellation=True)
