"""FastAPI on uvicorn: a path operation that yields, with its own EventSourceResponse."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import openai
from fastapi import Depends, FastAPI, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from openai import AsyncStream
from pydantic import BaseModel

from servers.common import LLM_ERRORS, Chunk
from tests.bench.peers.asgi import FAILED, ask_llm, lifespan, refuse, serve

app = FastAPI(lifespan=lifespan, exception_handlers={openai.APIError: refuse})


class Question(BaseModel):
    prompt: str


async def answer(request: Request, question: Question) -> AsyncIterator[AsyncStream[Chunk]]:
    async with await ask_llm(request, question.prompt) as stream:
        yield stream


@app.post("/chat", response_class=EventSourceResponse)
async def chat(stream: Annotated[Any, Depends(answer)]) -> AsyncIterator[Any]:
    finished = None
    try:
        async for chunk in stream:
            if not chunk.choices:
                continue
            finished = chunk.choices[0].finish_reason
            if text := chunk.choices[0].delta.content:
                yield {"token": text}
        yield ServerSentEvent(raw_data="[DONE]") if finished else FAILED
    except LLM_ERRORS:
        yield FAILED


if __name__ == "__main__":
    serve(app)
