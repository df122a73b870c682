"""Lesson 03: race the leave against the first token; repair a wait that nothing ends."""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, Chunk, ask_llm, ending, event_of, failure, start_stream
from servers.presence import while_reader_stays
from workshop_lib.exercises.checks.absent import judge_race, judge_room
from workshop_lib.exercises.contract import Exercise


async def my_chat(request: web.Request) -> web.StreamResponse:
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            async for last in stream:
                await response.write(event_of(last))
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
    return response


async def racing_chat(request: web.Request) -> web.StreamResponse:
    async def reader_leaves() -> None:
        while request.transport and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    leaving = asyncio.create_task(reader_leaves())
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        try:
            while not leaving.done():
                coming = asyncio.ensure_future(anext(stream, None))
                await asyncio.wait([coming, leaving], return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()  # the leave has won
                elif chunk := coming.result():
                    last = chunk
                    await response.write(event_of(last))
                    await writer.drain()
                else:
                    await response.write(ending(last))
                    break
        except LLM_ERRORS:
            await response.write(failure())
        finally:
            leaving.cancel()
    return response


async def my_relay(request: web.Request) -> web.StreamResponse:
    async with await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        queue: asyncio.Queue[Chunk | None] = asyncio.Queue(20)

        async def write_all() -> None:
            while chunk := await queue.get():
                await response.write(event_of(chunk))
                await writer.drain()

        writing = asyncio.create_task(write_all())
        last = None
        try:
            async for last in stream:
                await queue.put(last)
            await queue.put(None)
            await writing
            await response.write(ending(last))
        except LLM_ERRORS:
            await queue.put(None)
            await writing
            await response.write(failure())
        finally:
            writing.cancel()
    return response


async def present_relay(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        queue: asyncio.Queue[Chunk | None] = asyncio.Queue(20)

        async def write_all() -> None:
            while chunk := await queue.get():
                await response.write(event_of(chunk))
                await writer.drain()

        writing = asyncio.create_task(write_all())
        last = None
        try:
            async for last in stream:
                await queue.put(last)
            await queue.put(None)
            await writing
            await response.write(ending(last))
        except LLM_ERRORS:
            await queue.put(None)
            await writing
            await response.write(failure())
        finally:
            writing.cancel()
    return response


race_the_leave = Exercise(
    name="race_the_leave",
    task=(
        "Change the handler so that it notices its reader's leave while the LLM is silent, and "
        "closes the LLM's stream. Whoever stays still gets every token, however late the first "
        "one comes, and a broken answer still ends with an error event."
    ),
    starter=my_chat,
    answer=racing_chat,
    hints=(
        "Two things can happen next: the LLM sends a token, or the reader leaves. Which line of "
        "the starter waits for one of them only?",
        "aiohttp sets no event when a reader leaves. `request.transport.is_closing()` tells; look "
        "at it a few times a second, in a task of its own.",
        "`asyncio.ensure_future(anext(stream, None))` is the next token as something to wait for. "
        "`asyncio.wait([...], return_when=asyncio.FIRST_COMPLETED)` waits for two at once.",
        "A task that lost the race is cancelled, and the stream closed on the way out. Or let "
        "`while_reader_stays(request)` do all of it.",
    ),
    judge=judge_race,
)

find_the_wait_that_nothing_ends = Exercise(
    name="find_the_wait_that_nothing_ends",
    task=(
        "Readers leave, and the LLM still answers some of them. Find the line that then waits for "
        "ever, and repair the handler. It keeps its queue and the queue's bound, and a reader who "
        "pauses still gets every token."
    ),
    starter=my_relay,
    answer=present_relay,
    hints=(
        "The reader leaves, and the next write raises in the task that writes. Who learns of it?",
        "Nobody takes from the queue any more. Some tokens later it is full: which line waits for "
        "room then?",
        "Waiting for room must end with the connection, too. Which of this lesson's two `async "
        "with` is missing in the first line?",
    ),
    judge=judge_room,
)
