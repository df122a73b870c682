"""What a reader is told of a failure: the provider's words, or the server's own.

Run it alone: python -m servers.field_cases.key_in_error
"""

import logging
from collections.abc import Callable

import openai
from aiohttp import web

from servers.common import CLIENT, MODEL, ending, event_of, prompt_of, refusal, start_stream
from servers.field_cases.alone import run_one
from servers.presence import while_reader_stays

LOG = logging.getLogger(__name__)
Words = Callable[[openai.APIError], str]


def broken_words(problem: openai.APIError) -> str:
    return f"The model failed: {problem}"


def repaired_words(problem: openai.APIError) -> str:
    LOG.info("The model failed: %s", problem)  # for those who may see keys and accounts
    return "The model failed. Try again."


async def broken(request: web.Request) -> web.StreamResponse:
    return await _chat(request, broken_words)


async def repaired(request: web.Request) -> web.StreamResponse:
    return await _chat(request, repaired_words)


async def _chat(request: web.Request, words: Words) -> web.StreamResponse:
    prompt, client = await prompt_of(request), request.app[CLIENT]
    asked = client.chat.completions.create(
        model=request.app[MODEL],
        messages=[{"role": "user", "content": prompt}],
        stream=True,
    )
    try:
        stream = await asked
    except openai.APIError as problem:
        raise refusal(web.HTTPBadGateway, "llm_failed", words(problem)) from None
    last = None
    async with while_reader_stays(request), stream:
        response, writer = await start_stream(request)
        async for last in stream:
            await response.write(event_of(last))
            await writer.drain()
        await response.write(ending(last))
    return response


if __name__ == "__main__":
    run_one(broken, repaired)
