"""Lesson 00: number the tokens; make the LLM break off."""

from aiohttp import web

from servers.common import LLM_ERRORS, ask_llm, ending, event, event_of, failure, start_stream
from workshop_lib.exercises.checks.breaking_off import BREAKS_OFF_AFTER, judge_break
from workshop_lib.exercises.checks.numbers import judge_numbers
from workshop_lib.exercises.contract import Exercise


async def my_chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
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


async def numbered_chat(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, writer = await start_stream(request)
    last = None
    n = 0
    try:
        async for last in stream:
            text = last.choices[0].delta.content if last.choices else None
            if text:
                await response.write(event({"token": text, "n": n}))
                await writer.drain()
                n += 1
        await response.write(ending(last))
    except LLM_ERRORS:
        await response.write(failure())
    return response


number_the_tokens = Exercise(
    name="number_the_tokens",
    task=(
        'Change the handler so that every token\'s event says its number, too: {"token": "#0.. ", '
        '"n": 0}, then n = 1, and so on, from 0 in each answer.'
    ),
    starter=my_chat,
    answer=numbered_chat,
    hints=(
        "event_of(last) makes the whole event. Make it yourself: event({...}) takes any dict.",
        "The text of a chunk is last.choices[0].delta.content. The first chunk and the last one "
        "have none, and get no event and no number.",
        "Begin with n = 0 inside the handler, and add 1 after each event that you have written.",
    ),
    judge=judge_numbers,
)

make_the_llm_break_off = Exercise(
    name="make_the_llm_break_off",
    task=(
        f"Give the name of a model that cuts the connection after exactly {BREAKS_OFF_AFTER} "
        "tokens. The fake LLM's knobs go after a question mark: fake-llm?tokens_per_s=5&seed=2."
    ),
    starter="fake-llm",
    answer="fake-llm?fault=cut&fault_at=7",
    hints=(
        "Two knobs are needed: fault, and fault_at. Ask for a knob or a fault that does not "
        "exist, and the LLM lists those that do.",
        "fault_at is the number of the first token that does not come. Tokens count from 0.",
        "Between two knobs stands an &, as in the address of a page.",
    ),
    judge=judge_break,
    variable="my_model",
)
