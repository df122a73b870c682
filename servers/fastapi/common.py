"""What is the same in every step: asking the LLM, the format of an event, and serving."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import openai
import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.sse import ServerSentEvent
from fastapi.staticfiles import StaticFiles
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk as Chunk
from pydantic import BaseModel

PAGE = Path(__file__).resolve().parents[2] / "react_client" / "dist"

# An SDK raises ValueError when the LLM sends something that is not JSON.
LLM_ERRORS = (openai.APIError, ValueError)
DONE = ServerSentEvent(raw_data="[DONE]")


class Refusal(Exception):
    """What is told, with a status of its own, to a reader that asks for what cannot be."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.said = status, error(code, message)


class Question(BaseModel):
    prompt: str


async def ask_llm(request: Request, question: Question) -> AsyncStream[Chunk]:
    """Start an answer; in a dependency, for what a generator raises comes after its status."""
    try:
        return await request.state.client.chat.completions.create(
            model=os.environ.get("MODEL", "gpt-4o-mini"),
            messages=[{"role": "user", "content": question.prompt}],
            stream=True,
        )
    except openai.RateLimitError:
        raise Refusal(429, "busy", "The model is busy. Try again.") from None
    except openai.APIError:
        raise Refusal(502, "llm_failed", "The model failed. Try again.") from None


Answer = Annotated[AsyncStream[Chunk], Depends(ask_llm)]


def event_of(chunk: Chunk) -> ServerSentEvent | None:
    """Make the event of a chunk; none of one without text, such as the first and the last."""
    text = chunk.choices[0].delta.content if chunk.choices else None
    return ServerSentEvent(data={"token": text}) if text else None


def ending(last: Chunk | None) -> ServerSentEvent:
    """Make the last event: an answer is complete only if its last chunk says why it finished."""
    if last and last.choices and last.choices[0].finish_reason:
        return DONE
    return failure()


def failure() -> ServerSentEvent:
    """Make the error event; what the LLM said stays here, for it may name keys and accounts."""
    message = "The model broke off in the middle of its answer. Try again."
    return ServerSentEvent(data=error("llm_failed", message))


def error(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


async def refuse(_: Request, problem: Any) -> JSONResponse:
    """Answer what failed before the first byte."""
    if isinstance(problem, RequestValidationError):
        problem = Refusal(400, "bad_request", 'Send JSON like {"prompt": "Hello"}.')
    return JSONResponse(problem.said, problem.status)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, AsyncOpenAI]]:
    async with AsyncOpenAI() as client:
        if PAGE.exists():
            app.mount("/", StaticFiles(directory=PAGE, html=True))
        yield {"client": client}


def make_app(*, strict: bool = False) -> FastAPI:
    """Make an app that lacks its path operation.

    Without `strict` a body is JSON whatever its client calls it: `curl -d` calls it a form.
    """
    app = FastAPI(lifespan=lifespan, strict_content_type=strict)
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_exception_handler(Refusal, refuse)
    return app


def run(app: FastAPI) -> None:
    """Serve alone: HOST, PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside."""
    uvicorn.run(app, **address(), access_log=False)


def address() -> dict[str, Any]:
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "0")
    if not port.isdecimal() or int(port) > 65535:
        sentence = "Set it to a number up to 65535, or to 0 for a free port."
        raise SystemExit(f"PORT is {port!r}. {sentence}")
    return {"host": host, "port": int(port)}
