"""Starlette on uvicorn: a generator in a StreamingResponse."""

import openai
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.bench.peers.asgi import ask_llm, events, lifespan, refuse, serve


async def chat(request: Request) -> StreamingResponse:
    stream = await ask_llm(request, (await request.json())["prompt"])
    headers = {"Cache-Control": "no-cache"}
    return StreamingResponse(events(stream), media_type="text/event-stream", headers=headers)


app = Starlette(
    routes=[Route("/chat", chat, methods=["POST"])],
    lifespan=lifespan,
    exception_handlers={openai.APIError: refuse},
)

if __name__ == "__main__":
    serve(app)
