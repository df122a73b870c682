"""What may not take for ever: a reader that takes nothing, an LLM, an answer, and a shutdown."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.sse import ServerSentEvent
from openai import AsyncStream

from servers.closing import close
from servers.fastapi.common import Chunk, Question, Refusal, address, ask_llm, error
from servers.settings import seconds

STALL_S = seconds("STALL_S", 30)
START_S = seconds("START_S", 60)
STREAM_S = seconds("STREAM_S", 600)
GRACE_S = seconds("GRACE_S", 20)
# the time for which the kernel offers a reader what it does not take (tcp(7); Linux has it)
USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


@asynccontextmanager
async def ask_in_time(request: Request, question: Question) -> AsyncGenerator[AsyncStream[Chunk]]:
    """Ask the LLM, and close its answer on every way out: leaving a loop over it does not.

    An LLM that does not accept in time is a status like its other failures.
    """
    stream = await _accepted(request, question)
    try:
        yield stream
    finally:
        await close(stream)


async def _accepted(request: Request, question: Question) -> AsyncStream[Chunk]:
    try:
        async with asyncio.timeout(START_S):
            return await ask_llm(request, question)
    except TimeoutError:
        message = "The model does not answer. Try again."
        raise Refusal(504, "llm_failed", message) from None


async def in_time(stream: AsyncStream[Chunk]) -> AsyncIterator[Chunk]:
    """Raise TimeoutError instead of the next chunk once the answer has taken STREAM_S."""
    ends_at_s = asyncio.get_running_loop().time() + STREAM_S
    while True:
        try:
            async with asyncio.timeout_at(
                ends_at_s
            ):  # around no yield: it cancels a task (PEP 789)
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        yield chunk


def out_of_time() -> ServerSentEvent:
    message = f"The answer took longer than {STREAM_S:g} s. Ask for a shorter one."
    return ServerSentEvent(data=error("too_long", message))


def run_in_time(app: FastAPI) -> None:
    """Serve alone; whoever takes nothing for STALL_S is cut by the kernel, wherever he stalls.

    uvicorn shows an app no connection, so nothing in Python could end one that waits for its
    reader: closing waits for him too.
    """
    config = uvicorn.Config(
        app, **address(), access_log=False, timeout_graceful_shutdown=max(1, round(GRACE_S))
    )
    sock = config.bind_socket()
    if USER_TIMEOUT is not None:  # each connection has it from the socket that accepts it
        sock.setsockopt(socket.IPPROTO_TCP, USER_TIMEOUT, round(STALL_S * 1000))
    uvicorn.Server(config).run(sockets=[sock])
