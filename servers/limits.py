"""What a request may be: before the LLM is asked, the rest is refused with a status that says why.

JSON by its name only (415): a page of another site can send every other type without asking first
(a CORS preflight), and would spend its visitor's budget.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from servers.common import prompt_of, refusal
from servers.settings import count, seconds

MAX_PROMPT_CHARS = web.AppKey("max_prompt_chars", int)
MAX_BODY_BYTES = web.AppKey("max_body_bytes", int)
BODY_S = web.AppKey("body_s", float)


async def limits(app: web.Application) -> AsyncIterator[None]:
    app[MAX_PROMPT_CHARS] = count("MAX_PROMPT_CHARS", 20_000)
    app[MAX_BODY_BYTES] = count("MAX_BODY_BYTES", 131_072)
    app[BODY_S] = seconds("BODY_S", 10)
    yield


async def within_limits(request: web.Request) -> web.Request:
    """Return the request with its body read; raises the status of what is wrong with it."""
    limited = request.clone(client_max_size=request.app[MAX_BODY_BYTES])
    assert isinstance(limited, web.Request)
    await _read(limited)  # before any refusal: aiohttp reads on after one, whatever may come
    if request.content_type != "application/json":
        message = "Send the prompt with Content-Type: application/json."
        raise refusal(web.HTTPUnsupportedMediaType, "not_json", message)
    _check(await prompt_of(limited), request.app[MAX_PROMPT_CHARS])
    return limited


async def _read(request: web.Request) -> None:
    """Read the body in time: a client that sends it byte by byte must not keep a connection.

    aiohttp reads on for ten seconds after the refusal, or the client could not receive it.
    """
    most, body_s = request.app[MAX_BODY_BYTES], request.app[BODY_S]
    try:
        async with asyncio.timeout(body_s):
            await request.read()
    except TimeoutError:
        message = f"The request took longer than {body_s:g} s. Send it again."
        raise refusal(web.HTTPRequestTimeout, "too_slow", message) from None
    except web.HTTPRequestEntityTooLarge:
        message = f"The request is larger than {most:,} bytes. Send a shorter prompt."
        large = web.HTTPRequestEntityTooLarge
        raise refusal(large, "too_large", message, max_size=most) from None
    except web.RequestPayloadError:  # it is not compressed, or not chunked, as its head says
        request.content.feed_eof()  # aiohttp would read on, fail again, and log a traceback
        message = "The request cannot be decoded. Send plain JSON, with its Content-Length."
        undecodable = refusal(web.HTTPBadRequest, "bad_request", message)
        undecodable.force_close()  # where the next request would begin nobody knows
        raise undecodable from None


def _check(prompt: str, most: int) -> None:
    if not prompt.strip():
        message = "The prompt is empty. Ask something."
        raise refusal(web.HTTPUnprocessableEntity, "empty_prompt", message)
    if len(prompt) > most:
        message = f"The prompt is longer than {most:,} characters. Shorten it."
        raise refusal(web.HTTPUnprocessableEntity, "long_prompt", message)
    if any("\ud800" <= character <= "\udfff" for character in prompt):  # no UTF-8 can carry it
        message = "The prompt holds half a character (a lone surrogate). Remove it."
        raise refusal(web.HTTPUnprocessableEntity, "broken_prompt", message)
