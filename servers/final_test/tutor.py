"""Answers students, and archives what was answered: FastAPI, server-sent events.

PORT, OPENAI_BASE_URL, OPENAI_API_KEY, MODEL and ARCHIVE come from outside.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from openai import APIError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk as Chunk
from pydantic import BaseModel

RULES = "You are a patient tutor. Explain step by step."
FAILED = {"error": {"code": "llm_failed", "message": "The tutor was interrupted. Ask again."}}
ARCHIVE = os.environ.get("ARCHIVE")  # a file; without it nothing is kept


class Question(BaseModel):
    prompt: str


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, AsyncOpenAI]]:
    async with AsyncOpenAI() as client:
        yield {"client": client}


async def answer_to(request: Request, question: Question) -> AsyncIterator[AsyncStream[Chunk]]:
    try:
        stream = await request.state.client.chat.completions.create(
            model=os.environ.get("MODEL", "gpt-4o-mini"),
            messages=[
                {"role": "system", "content": RULES},
                {"role": "user", "content": question.prompt},
            ],
            stream=True,
        )
    except APIError:
        raise HTTPException(502, "The tutor is not available. Ask again.") from None
    async with stream:
        yield stream


def event(data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"


def keep(answer: str, archive: Path) -> None:
    with archive.open("a") as file:
        file.write(f"{answer}\n")


async def archived(stream: AsyncStream[Chunk], shown: asyncio.Queue[str | None]) -> None:
    """Keep the answer, and hand each of its events on to whoever shows it."""
    kept, finished = [], False
    try:
        async for chunk in stream:
            finished = finished or bool(chunk.choices[0].finish_reason)
            if text := chunk.choices[0].delta.content:
                kept.append(text)
                await shown.put(event({"token": text}))
        await shown.put("data: [DONE]\n\n" if finished else event(FAILED))
    except APIError:
        await shown.put(event(FAILED))
    await shown.put(None)
    if ARCHIVE and finished:
        await asyncio.to_thread(keep, "".join(kept), Path(ARCHIVE))


async def events(stream: AsyncStream[Chunk]) -> AsyncIterator[str]:
    shown: asyncio.Queue[str | None] = asyncio.Queue()
    archiving = asyncio.create_task(archived(stream, shown))
    try:
        while (one := await shown.get()) is not None:
            yield one
    finally:
        archiving.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/chat")
async def chat(stream: Annotated[AsyncStream[Chunk], Depends(answer_to)]) -> StreamingResponse:
    return StreamingResponse(events(stream), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), access_log=False)
