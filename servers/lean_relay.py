"""Relay without the SDK's objects: read the LLM's lines, and send on together what came together.

Run it alone: python -m servers.lean_relay
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web

from servers.common import CLIENT, MODEL, event, failure, prompt_of, refusal, run, start_stream
from servers.presence import while_reader_stays

SESSION = web.AppKey("session", ClientSession)
READ_BYTES = 4096  # as little as this is in hand, and stays there, while a reader stalls
PATIENCE = ClientTimeout(total=None, sock_connect=5, sock_read=600)


async def chat(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request), ask_llm(request) as answer:
        response, writer = await start_stream(request)
        if request.transport:  # what its socket does not take waits at the LLM, not here
            request.transport.set_write_buffer_limits(high=0)
        ready: list[bytes] = []
        finished, begun = False, b""
        try:
            async for data in answer.content.iter_chunked(READ_BYTES):
                *lines, begun = (begun + data).split(b"\n")
                for line in lines:
                    finished |= take(line, ready)
                await response.write(b"".join(ready))  # one event if one came: it waits for none
                ready.clear()
                await writer.drain()
                await asyncio.sleep(0)
            ready.append(b"data: [DONE]\n\n" if finished else failure())
        except (ClientError, ValueError, LookupError):
            ready.append(failure())
        await response.write(b"".join(ready))
    return response


def take(line: bytes, ready: list[bytes]) -> bool:
    """Add the event of one of the LLM's lines, if it has one; tell whether the answer is whole."""
    if not line.startswith(b"data:") or line[5:].strip() == b"[DONE]":
        return False
    choices = json.loads(line[5:])["choices"]  # an error has none
    ready += [event({"token": text}) for one in choices if (text := one["delta"].get("content"))]
    return any(one["finish_reason"] for one in choices)


@asynccontextmanager
async def ask_llm(request: web.Request) -> AsyncIterator[ClientResponse]:
    """Start an answer to the request's prompt; what fails before it starts is an HTTP status."""
    sdk = request.app[CLIENT]  # it knows the address and the key
    asked = {"model": request.app[MODEL], "stream": True}
    asked["messages"] = [{"role": "user", "content": await prompt_of(request)}]
    url, head = f"{sdk.base_url}chat/completions", {"Authorization": f"Bearer {sdk.api_key}"}
    try:
        answer = await request.app[SESSION].post(url, json=asked, headers=head)
    except (ClientError, TimeoutError):
        raise refusal(web.HTTPBadGateway, "llm_failed", "The model failed. Try again.") from None
    async with answer:
        if answer.status == web.HTTPTooManyRequests.status_code:
            raise refusal(web.HTTPTooManyRequests, "busy", "The model is busy. Try again.")
        if not answer.ok:
            raise refusal(web.HTTPBadGateway, "llm_failed", "The model failed. Try again.")
        yield answer


async def session(app: web.Application) -> AsyncIterator[None]:
    pool = TCPConnector(limit=0)  # a stalled reader holds a connection, and starves nobody
    made = ClientSession(connector=pool, timeout=PATIENCE, read_bufsize=READ_BYTES)
    async with made as app[SESSION]:
        yield


if __name__ == "__main__":
    run(chat, session)
