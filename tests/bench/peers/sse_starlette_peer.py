"""sse-starlette on uvicorn: its EventSourceResponse makes the events, sends pings, sees leaves."""

import json
from collections.abc import AsyncIterator

import openai
from openai import AsyncStream
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from servers.common import LLM_ERRORS, Chunk
from tests.bench.peers.asgi import FAILED, ask_llm, lifespan, refuse, serve


async def events(stream: AsyncStream[Chunk]) -> AsyncIterator[ServerSentEvent]:
    async with stream:
        finished = None
        try:
            async for chunk in stream:
                if not chunk.choices:
                    continue
                finished = chunk.choices[0].finish_reason
                if text := chunk.choices[0].delta.content:
                    yield ServerSentEvent(json.dumps({"token": text}))
            yield ServerSentEvent("[DONE]" if finished else json.dumps(FAILED))
        except LLM_ERRORS:
            yield ServerSentEvent(json.dumps(FAILED))


async def chat(request: Request) -> EventSourceResponse:
    stream = await ask_llm(request, (await request.json())["prompt"])
    return EventSourceResponse(events(stream))


app = Starlette(
    routes=[Route("/chat", chat, methods=["POST"])],
    lifespan=lifespan,
    exception_handlers={openai.APIError: refuse},
)

if __name__ == "__main__":
    serve(app)
