"""What the patients on threads share: an answer as pieces of a body, by the SDK that blocks."""

import os
import queue
import threading
from collections.abc import Generator, Iterable

import openai
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk as Chunk

from tests.patients.framing import SSE
from tests.patients.relay import BROKE_OFF, FLAW, LLM_ERRORS, Refused, text_of


def answer(prompt: str) -> Generator[bytes]:
    """Ask the LLM, and return the pieces of its answer; raises Refused."""
    try:
        stream = OpenAI().chat.completions.create(
            model=os.environ.get("MODEL", "gpt-4o-mini"),
            messages=[{"role": "user", "content": prompt}],
            stream=True,
        )
    except openai.APIError as problem:
        raise Refused(problem) from None
    return _pieces(stream)


def _pieces(stream: Stream[Chunk]) -> Generator[bytes]:
    last = None
    try:
        with stream:
            for last in hoarded(stream) if FLAW == "hoards" else stream:
                if text := text_of(last):
                    yield SSE.token(text)
        finished = last and last.choices and last.choices[0].finish_reason
        yield SSE.done if finished else SSE.failed(BROKE_OFF)
    except LLM_ERRORS:
        yield SSE.failed(BROKE_OFF)


def hoarded(stream: Iterable[Chunk]) -> Generator[Chunk]:
    """The flaw: a thread that reads on into a queue without an end, whoever waits at its other."""
    chunks: queue.Queue[Chunk | Exception | None] = queue.Queue()

    def read_llm() -> None:
        end = None
        try:
            for chunk in stream:
                chunks.put(chunk)
        except Exception as problem:
            end = problem
        chunks.put(end)

    threading.Thread(target=read_llm, daemon=True).start()
    while chunk := chunks.get():
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk
