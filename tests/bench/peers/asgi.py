"""What the ASGI peers share: the OpenAI client, the events of an answer, and uvicorn."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import uvicorn
from openai import AsyncOpenAI, AsyncStream
from starlette.requests import Request
from starlette.responses import JSONResponse

from servers.common import LLM_ERRORS, Chunk, ending, event_of, failure
from tests.bench.peers import inherited_socket

Refusal = JSONResponse
FAILED = {"error": {"code": "llm_failed", "message": "The model failed. Try again."}}


@asynccontextmanager
async def lifespan(_: object) -> AsyncGenerator[dict[str, AsyncOpenAI]]:
    """Give every request a client that is closed with the app."""
    async with AsyncOpenAI() as client:
        yield {"client": client}


async def ask_llm(request: Request, prompt: str) -> AsyncStream[Chunk]:
    return await request.state.client.chat.completions.create(
        model="fake-llm", messages=[{"role": "user", "content": prompt}], stream=True
    )


async def refuse(_: Request, problem: Exception) -> JSONResponse:
    """Answer what fails before the first byte with a status."""
    return JSONResponse(FAILED, 429 if isinstance(problem, openai.RateLimitError) else 502)


async def events(stream: AsyncStream[Chunk]) -> AsyncIterator[bytes]:
    """Yield an answer's events, and close the LLM's stream on every way out."""
    async with stream:
        last = None
        try:
            async for last in stream:
                if data := event_of(last):
                    yield data
            yield ending(last)
        except LLM_ERRORS:
            yield failure()


def serve(app: Any) -> None:
    config = uvicorn.Config(
        app, access_log=False, log_level="warning", backlog=4096, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[inherited_socket()])
