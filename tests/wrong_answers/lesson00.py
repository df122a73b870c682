"""Wrong answers to `number_the_tokens` and `make_the_llm_break_off`, with what is said of them."""

import asyncio
import itertools
import time

from aiohttp import web

from servers.common import ask_llm, ending, event, event_of, start_stream


async def counts_chunks(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    chunk, n = None, 0
    async for chunk in stream:
        text = chunk.choices[0].delta.content
        if text:
            await response.write(event({"token": text, "n": n}))
        n += 1
    await response.write(ending(chunk))
    return response


async def numbers_every_chunk(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    chunk, n = None, 0
    async for chunk in stream:
        await response.write(event({"token": chunk.choices[0].delta.content, "n": n}))
        n += 1
    await response.write(ending(chunk))
    return response


async def never_adds_one(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    chunk, n = None, 0
    async for chunk in stream:
        if text := chunk.choices[0].delta.content:
            await response.write(event({"token": text, "n": n}))
    await response.write(ending(chunk))
    return response


SHARED = itertools.count()


async def shares_the_counter(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    chunk = None
    async for chunk in stream:
        if text := chunk.choices[0].delta.content:
            await response.write(event({"token": text, "n": next(SHARED)}))
    await response.write(ending(chunk))
    return response


async def numbers_apart(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    chunk, n = None, 0
    async for chunk in stream:
        if sent := event_of(chunk):
            await response.write(sent)
            await response.write(event({"n": n}))
            n += 1
    await response.write(ending(chunk))
    return response


async def sends_text(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    chunk, n = None, 0
    async for chunk in stream:
        if text := chunk.choices[0].delta.content:
            await response.write(event({"token": text, "n": f"{n}"}))
            n += 1
    await response.write(ending(chunk))
    return response


async def forgets_the_end(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    n = 0
    async for chunk in stream:
        if text := chunk.choices[0].delta.content:
            await response.write(event({"token": text, "n": n}))
            n += 1
    return response


async def raises(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    async for chunk in stream:
        await response.write(event({"token": chunk["text"], "n": 0}))  # type: ignore[index]
    return response


async def never_ends(request: web.Request) -> web.StreamResponse:
    response, _ = await start_stream(request)
    await asyncio.sleep(3600)
    return response


async def blocks(request: web.Request) -> web.StreamResponse:
    response, _ = await start_stream(request)
    while True:
        time.sleep(0.01)  # noqa: ASYNC251
    return response


async def returns_nothing(request: web.Request) -> None:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    n = 0
    async for chunk in stream:
        if text := chunk.choices[0].delta.content:
            await response.write(event({"token": text, "n": n}))
            n += 1
    await response.write(ending(chunk))


NUMBERS = {
    counts_chunks: "event 0 says n=1. Numbers begin at 0; and the LLM's first chunk",
    numbers_every_chunk: "Event 0 holds no token",
    never_adds_one: "event 1 says n=0. Add 1 after every token",
    shares_the_counter: "keep the counter inside the handler",
    numbers_apart: "Event 0 is {'token': '#0.. '} and has no \"n\"",
    sends_text: "Event 0 has '0' for n. Send a number",
    forgets_the_end: "was due 40 tokens and [DONE]",
    raises: "raised TypeError: 'ChatCompletionChunk' object is not subscriptable, in line {line} "
    'of your code: `await response.write(event({"token": chunk["text"], "n": 0}))',
    never_ends: "did not end within 5 s: 0 events came",
    blocks: "held the event loop for 4 s, in line {line} of your code: `time.sleep(0.01)",
    returns_nothing: "Your handler returned None",
    print: "Give it your handler, an `async def`",
}

MODELS = {
    "fake-llm?fault=cut": "0 tokens came",
    "fake-llm?fault=cut&fault_at=6": "6 tokens came",
    "fake-llm?fault=cut&fault_at=8": "8 tokens came",
    "fake-llm?fault_at=7": "40 tokens came, and then: the end, with finish_reason 'stop'",
    "fake-llm?answer_tokens=7": "for the LLM the answer ended by «answer complete»",
    "fake-llm?fault=early_end&fault_at=7": "ended by «fault: early_end»",
    "fake-llm?fault=error_event&fault_at=7": "ended by «fault: error_event»",
    "fake-llm?fault=silence&fault_at=7": "After 5 s the answer had 7 tokens and no end",
    "fake-llm?fault=break&fault_at=7": "The knob fault cannot be 'break'. Use one of",
    "fake-llm?fault=cut,fault_at=7": "The LLM refused to answer",
    "fake-llm?fault=rate_limit": "The LLM refused to answer",
    7: "Give it the model's name, as text in quotes",
}
