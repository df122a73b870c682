"""FastAPI on uvicorn: its EventSourceResponse, a StreamingResponse, and the SDK that blocks."""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from openai import OpenAI
from pydantic import BaseModel

from tests.patients.framing import SSE
from tests.patients.relay import HEADERS, Refused, begin, lifespan, text_of
from tests.patients.uvicorn_run import run

app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    prompt: str


async def begun(request: Request, question: Question) -> AsyncIterator[AsyncIterator[bytes]]:
    async with aclosing(await begin(request.state.client, question.prompt)) as pieces:
        yield pieces


async def unclosed(request: Request, question: Question) -> AsyncIterator[bytes]:
    return await begin(request.state.client, question.prompt)


Answer = Annotated[Any, Depends(begun)]
Unclosed = Annotated[Any, Depends(unclosed)]


@app.exception_handler(Refused)
async def refuse(_: Request, refused: Refused) -> JSONResponse:
    return JSONResponse(refused.body, refused.status)


@app.post("/chat", response_class=EventSourceResponse)
async def chat(pieces: Answer) -> AsyncIterator[ServerSentEvent]:
    async for piece in pieces:
        for event in piece.decode().split("\n\n")[:-1]:
            yield ServerSentEvent(raw_data=event.removeprefix("data: "))


@app.post("/unclosed", response_class=EventSourceResponse)
async def unclosed_chat(pieces: Unclosed) -> AsyncIterator[ServerSentEvent]:
    """As most write it: a reader that leaves while FastAPI waits for it leaves the LLM running."""
    async for event in chat(pieces):
        yield event


@app.post("/streaming")
async def streaming(pieces: Unclosed) -> StreamingResponse:
    return StreamingResponse(pieces, media_type="text/event-stream", headers=HEADERS)


@app.post("/blocking")
async def blocking(question: Question) -> StreamingResponse:
    """The flaw: the SDK's blocking client in a coroutine, which halts all other readers."""
    stream = OpenAI().chat.completions.create(
        model=os.environ["MODEL"],
        messages=[{"role": "user", "content": question.prompt}],
        stream=True,
    )

    async def events() -> AsyncIterator[bytes]:
        for chunk in stream:
            if text := text_of(chunk):
                yield SSE.token(text)
        yield SSE.done

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    run(app)
