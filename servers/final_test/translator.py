"""Translates for customers: hands an LLM's own stream on, with no text of others in it.

PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside.
"""

import os
from collections.abc import AsyncIterator

from aiohttp import web
from openai import APIError, AsyncOpenAI

RULES = "Translate what you are given. Add nothing."
HIDDEN = os.environ.get("HIDDEN_WORDS", "").split()  # names that no customer is to read
CLIENT = web.AppKey("client", AsyncOpenAI)
FAILED = {"error": {"code": "llm_failed", "message": "The translation failed. Ask again."}}


def without_names(text: str) -> str:
    for word in HIDDEN:
        text = text.replace(word, "***")
    return text


async def translated(data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what the LLM has sent, without the names that are hidden."""
    async for part in data:
        text = part.decode("utf-8", errors="replace")
        yield without_names(text).encode()


def asked(request: web.Request, prompt: str):
    """Ask for the bytes of the answer: the page of the customers reads OpenAI's format itself."""
    return request.app[CLIENT].chat.completions.with_streaming_response.create(
        model=os.environ.get("MODEL", "gpt-4o-mini"),
        messages=[{"role": "system", "content": RULES}, {"role": "user", "content": prompt}],
        stream=True,
    )


async def chat(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    if not isinstance(body.get("prompt"), str):
        raise web.HTTPBadRequest(text="Send JSON with a prompt.")
    try:
        async with asked(request, body["prompt"]) as answer:
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
            )
            writer = await response.prepare(request)
            assert writer is not None
            async for part in translated(answer.iter_bytes()):
                await response.write(part)
                await writer.drain()
            return response
    except APIError:
        return web.json_response(FAILED, status=502)


async def client(app: web.Application) -> AsyncIterator[None]:
    async with AsyncOpenAI() as app[CLIENT]:
        yield


if __name__ == "__main__":
    app = web.Application()
    app.cleanup_ctx.append(client)
    app.router.add_post("/chat", chat)
    port = int(os.environ.get("PORT", "8000"))
    web.run_app(app, host="127.0.0.1", port=port, handler_cancellation=True)
