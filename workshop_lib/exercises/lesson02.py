"""Lesson 02: bound the queue instead of removing it; choose the buffers."""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, start_stream
from workshop_lib.exercises.checks.bounded_queue import MOST_QUEUED_TOKENS, judge_queue
from workshop_lib.exercises.checks.buffers import (
    LEAST_SHARE,
    MOST_PRODUCED_TOKENS,
    TOKENS_PER_S,
    judge_buffers,
)
from workshop_lib.exercises.contract import Exercise
from workshop_lib.experiment import Buffers


async def my_chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue()

    async def read_llm() -> None:
        try:
            async for chunk in stream:
                queue.put_nowait(chunk)
        finally:
            queue.put_nowait(None)

    reading = asyncio.create_task(read_llm())
    try:
        while chunk := await queue.get():
            last = chunk
            await response.write(event_of(last))
            await writer.drain()
        await reading
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    finally:
        reading.cancel()
    return response


async def bounded_chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue(maxsize=50)

    async def read_llm() -> None:
        try:
            async for chunk in stream:
                await queue.put(chunk)  # waits while the queue is full
        except LLM_ERRORS:
            pass  # ending() tells from the last chunk that the answer is not complete
        await queue.put(None)  # in a `finally` it would wait again when the reader has left

    reading = asyncio.create_task(read_llm())
    try:
        while chunk := await queue.get():
            last = chunk
            await response.write(event_of(last))
            await writer.drain()
        await response.write(ending(last))
    finally:
        reading.cancel()
    return response


bound_the_queue = Exercise(
    name="bound_the_queue",
    task=(
        "Keep the queue, and bound it: for a reader who stalls at most "
        f"{MOST_QUEUED_TOKENS} tokens may wait in it, and the LLM has to stop. Everybody else "
        "still gets every token in order, and a broken answer still ends with an error event."
    ),
    starter=my_chat,
    answer=bounded_chat,
    hints=(
        "asyncio.Queue takes a maxsize. What does put_nowait do when the queue is full, and what "
        "does put do?",
        "await queue.put(chunk) holds up the loop over the LLM's chunks: that is backpressure.",
        "The last put, of None, may meet a full queue as well; and in a `finally` it runs when "
        "the task is cancelled, too. There it would wait for ever.",
        "If None is put after the loop, an error in the loop must not skip it.",
    ),
    judge=judge_queue,
)

choose_the_buffers = Exercise(
    name="choose_the_buffers",
    task=(
        "With which buffers does step2_fixed make the LLM stop before it has produced "
        f"{MOST_PRODUCED_TOKENS} tokens for a stalled reader, while a steady reader still gets "
        f"{LEAST_SHARE:.0%} of what is produced for it? "
        f"(4 readers, {TOKENS_PER_S:.0f} tokens/s, 5 bytes each.)"
    ),
    starter=Buffers(),
    answer=Buffers(llm_sndbuf=2048, server_rcvbuf=4096, server_sndbuf=1024, reader_rcvbuf=1024),
    hints=(
        "A chunk of the LLM takes about 370 bytes on the wire, an event of the server 32: where "
        "do more tokens fit into a kilobyte?",
        "llm_sndbuf and server_rcvbuf lie before the server, server_sndbuf and reader_rcvbuf "
        "behind it. The message says how much waits in each of the two places.",
        "The kernel grants no less than it needs itself (on Linux a sender gets 4,608 bytes and a "
        "receiver 2,304): ask for less, and look at what was granted.",
    ),
    judge=judge_buffers,
    variable="my_buffers",
)
