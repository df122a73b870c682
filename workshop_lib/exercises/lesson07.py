"""Lesson 07: headers that bring tokens through proxies; a heartbeat; a budget."""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event_of, failure, start_stream
from servers.heartbeats import HEARTBEAT
from servers.presence import while_reader_stays
from workshop_lib.exercises.checks.beating import judge_heartbeat
from workshop_lib.exercises.checks.budget import judge_budget
from workshop_lib.exercises.checks.headers import judge_headers
from workshop_lib.exercises.contract import Exercise

choose_the_header = Exercise(
    name="choose_the_header",
    task=(
        "Choose the headers of an answer so that, behind an nginx that nobody has configured for "
        "streams, tokens arrive one by one and a stalled reader stops the LLM; and so that nobody "
        "on the way compresses them into lumps."
    ),
    starter={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"},
    answer={
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache, no-transform",
        "X-Accel-Buffering": "no",
    },
    hints=(
        "Two of the five set-ups of this lesson passed both tests. One of them needs nothing but a "
        "header of the server's.",
        "show_code(opening) shows what servers/opening.py sends, and why. Which header speaks to "
        "nginx?",
        "Compressing is a transformation. Cache-Control can forbid it, in a word of its own after "
        "a comma.",
    ),
    judge=judge_headers,
    variable="my_headers",
)


async def my_chat(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
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


async def beating_chat(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), await ask_llm(request) as stream:
        response, writer = await start_stream(request)
        last = None
        coming = asyncio.ensure_future(anext(stream, None))
        try:
            while True:
                await asyncio.wait([coming], timeout=0.2)
                if not coming.done():
                    await response.write(HEARTBEAT)
                elif chunk := coming.result():
                    last = chunk
                    await response.write(event_of(last))
                    coming = asyncio.ensure_future(anext(stream, None))
                else:
                    break
                await writer.drain()
            await response.write(ending(last))
        except LLM_ERRORS:
            await response.write(failure())
        finally:
            coming.cancel()
    return response


place_the_heartbeat = Exercise(
    name="place_the_heartbeat",
    task=(
        "Change the handler so that it sends HEARTBEAT whenever nothing has come from the LLM for "
        "0.2 s, before the first token too. One task writes to an answer, each heartbeat is a "
        "comment with a blank line after it, and no token gets lost."
    ),
    starter=my_chat,
    answer=beating_chat,
    hints=(
        "The starter waits in `async for` for the next chunk, for as long as it takes. That wait "
        "needs an end every 0.2 s, and has to go on afterwards.",
        "`asyncio.wait_for` cancels what it waits for, and the chunk is lost. `asyncio.wait([...], "
        "timeout=0.2)` leaves it alone.",
        "`coming = asyncio.ensure_future(anext(stream, None))` is the next chunk. Make a new one "
        "only when this one has come; beat as long as `coming.done()` is false.",
    ),
    judge=judge_heartbeat,
)

set_a_budget = Exercise(
    name="set_a_budget",
    task=(
        "Set step5_metered so that a greedy user gets at most 300 tokens, while 9 polite ones get "
        "an answer of 150 tokens each. The greedy one asks 10 times within 2 s, and leaves each "
        "answer after 120 tokens. A stream notices up to 21 tokens late that the budget is spent."
    ),
    starter={"BUDGET_TOKENS": 100_000, "MAX_STREAMS_PER_USER": 5},
    answer={"BUDGET_TOKENS": 200, "MAX_STREAMS_PER_USER": 2},
    hints=(
        "What does a polite user need? That is the least a budget may be.",
        "A limit of streams makes a greedy user wait, and then ask again. Only the budget ends it.",
        "Each stream at once can overspend by 21 tokens. Budget + 21 * streams must not be more "
        "than 300.",
    ),
    judge=judge_budget,
    variable="my_settings",
)
