"""What the patients on asyncio share: an answer as pieces of a body, with the flaw of FLAW."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import openai
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk as Chunk

from tests.patients import flaws
from tests.patients.framing import SSE, Framing

FLAW = os.environ.get("FLAW", "healthy")
PORT = int(os.environ.get("PORT", "0"))
PROXY_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
HEADERS = {"Cache-Control": "no-cache"} if FLAW == "bare" else PROXY_HEADERS
LLM_ERRORS = (openai.APIError, ValueError)

READINGS: dict[str, Callable[[AsyncStream[Chunk]], AsyncIterator[Chunk]]] = {
    "hoards": flaws.hoarding,
    "hoards_8mb": flaws.hoarding_8mb,
    "gathers": flaws.gathering,
    "never_cancels": flaws.reading_on,
}
WRAPPINGS = {"clumps": flaws.clumped, "one_newline": flaws.unframed}


class Refused(Exception):
    """What failed before the first byte: a status, and what is told."""

    def __init__(self, problem: Exception) -> None:
        self.status = 429 if isinstance(problem, openai.RateLimitError) else 502
        said = str(problem) if FLAW == "leaks_key" else "The model failed. Try again."
        self.body = {"error": {"code": "llm_failed", "message": said}}


@asynccontextmanager
async def lifespan(_: object) -> AsyncGenerator[dict[str, AsyncOpenAI]]:
    """Give every request a client that is closed with the app."""
    async with AsyncOpenAI() as client:
        yield {"client": client}


async def begin(client: AsyncOpenAI, prompt: str, framing: Framing = SSE) -> AsyncGenerator[bytes]:
    """Ask the LLM, and return the pieces of its answer; raises Refused."""
    try:
        stream = await client.chat.completions.create(
            model=os.environ.get("MODEL", "gpt-4o-mini"),
            messages=[{"role": "user", "content": prompt}],
            stream=True,
        )
    except openai.APIError as problem:
        if FLAW == "hides_errors":
            return _only(framing.done)
        raise Refused(problem) from None
    return WRAPPINGS.get(FLAW, lambda answer: answer)(pieces(stream, framing))


async def pieces(stream: AsyncStream[Chunk], framing: Framing) -> AsyncGenerator[bytes]:
    last = None
    try:
        async with aclosing(READINGS.get(FLAW, flaws.straight)(stream)) as chunks:  # type: ignore[type-var]
            number = 0
            async for last in chunks:
                if text := text_of(last):
                    for said in flaws.altered(FLAW, text, number):
                        yield framing.token(said)
                    number += 1
        finished = last and last.choices and last.choices[0].finish_reason
        if FLAW != "no_mark":
            yield framing.done if finished or FLAW == "hides_errors" else framing.failed(BROKE_OFF)
    except LLM_ERRORS as problem:
        if FLAW == "dies":
            os._exit(1)
        if FLAW == "hides_errors":
            yield framing.done
        else:
            yield framing.failed(str(problem) if FLAW == "leaks_key" else BROKE_OFF)


BROKE_OFF = "The model broke off in the middle of its answer. Try again."


def text_of(chunk: Chunk) -> str | None:
    return chunk.choices[0].delta.content if chunk.choices else None


async def _only(piece: bytes) -> AsyncGenerator[bytes]:
    yield piece


def prompt_of(asked: Any) -> str:
    """Find the prompt, be it the workshop's body or OpenAI's."""
    return asked["prompt"] if "prompt" in asked else asked["messages"][-1]["content"]
