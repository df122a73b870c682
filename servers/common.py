"""What is the same in every step: asking the LLM, the format of an event, and serving a handler."""

import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import openai
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from httpx2 import Limits
from openai import AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletionChunk as Chunk

from servers.settings import BadSetting, count, seconds

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Context = Callable[[web.Application], AsyncIterator[None]]

PAGE = Path(__file__).resolve().parent.parent / "react_client" / "dist"

CLIENT = web.AppKey("client", AsyncOpenAI)
MODEL = web.AppKey("model", str)

# An SDK raises ValueError when the LLM sends something that is not JSON.
LLM_ERRORS = (openai.APIError, ValueError)


async def ask_llm(request: web.Request) -> AsyncStream[Chunk]:
    """Start an answer to the request's prompt; what fails before it starts is an HTTP status."""
    return await ask(request.app, await prompt_of(request))


async def ask(app: web.Application, prompt: str) -> AsyncStream[Chunk]:
    """Start an answer to a prompt, however it came; raises HTTPError as `ask_llm` does."""
    try:
        return await app[CLIENT].chat.completions.create(
            model=app[MODEL],
            messages=[{"role": "user", "content": prompt}],
            stream=True,
        )
    except openai.RateLimitError:
        raise refusal(web.HTTPTooManyRequests, "busy", "The model is busy. Try again.") from None
    except openai.APIError:
        raise refusal(web.HTTPBadGateway, "llm_failed", "The model failed. Try again.") from None


async def prompt_of(request: web.Request) -> str:
    try:
        prompt = (await request.json())["prompt"]
        if isinstance(prompt, str):
            return prompt
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise refusal(web.HTTPBadRequest, "bad_request", 'Send JSON like {"prompt": "Hello"}.')


def refusal(status: type[web.HTTPError], code: str, message: str, **more: Any) -> web.HTTPError:
    """Make a status with a JSON body; `more` is what this status needs, such as headers."""
    body = json.dumps({"error": {"code": code, "message": message}})
    return status(text=body, content_type="application/json", **more)


async def start_stream(
    request: web.Request, headers: Mapping[str, str] | None = None
) -> tuple[web.StreamResponse, AbstractStreamWriter]:
    """Send the head of an event stream; its writer is what can be waited for."""
    usual = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers=usual | dict(headers or {}))
    writer = await response.prepare(request)
    assert writer is not None  # None only for a response that was prepared before
    return response, writer


def event(data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def event_of(chunk: Chunk) -> bytes:
    """Make the event of a chunk; nothing for one without text, such as the first and the last."""
    text = chunk.choices[0].delta.content if chunk.choices else None
    return event({"token": text}) if text else b""


def ending(last: Chunk | None) -> bytes:
    """Make the last event: an answer is complete only if its last chunk says why it finished."""
    if last and last.choices and last.choices[0].finish_reason:
        return b"data: [DONE]\n\n"
    return failure()


def failure() -> bytes:
    """Make the error event; what the LLM said stays here, for it may name keys and accounts."""
    message = "The model broke off in the middle of its answer. Try again."
    return event({"error": {"code": "llm_failed", "message": message}})


async def page(_: web.Request) -> web.StreamResponse:
    """Send the React page, which asks POST /chat beside it."""
    if (PAGE / "index.html").exists():
        return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})
    raise refusal(web.HTTPNotFound, "no_page", "The page is not built: run `make lab`.")


def needs(*contexts: Context) -> Callable[[Handler], Handler]:
    """Say what a handler needs of its app besides the OpenAI client, in the order it is made."""

    def noted(handler: Handler) -> Handler:
        _NEEDS[handler] = contexts
        return handler

    return noted


_NEEDS = WeakKeyDictionary[Handler, tuple[Context, ...]]()


def connections_to_llm() -> Limits:
    """Say how many answers there may be at once: whoever asks next waits for a place."""
    return Limits(max_connections=count("LLM_CONNECTIONS", 1000), max_keepalive_connections=100)


def openai_client() -> AsyncOpenAI:
    return AsyncOpenAI(http_client=DefaultAsyncHttpxClient(limits=connections_to_llm()))


def make_app(
    chat: Handler, make_client: Callable[[], AsyncOpenAI] = openai_client
) -> web.Application:
    """Serve a handler at POST /chat, with an OpenAI client made in the event loop it will use.

    The page that asks it is at GET /, once it is built.
    """

    async def openai_client(app: web.Application) -> AsyncIterator[None]:
        async with make_client() as app[CLIENT]:
            yield

    app = web.Application()
    app[MODEL] = os.environ.get("MODEL", "gpt-4o-mini")
    app.router.add_post("/chat", chat)
    app.router.add_get("/", page)
    if (PAGE / "assets").exists():
        app.router.add_static("/assets", PAGE / "assets")
    app.cleanup_ctx.extend([openai_client, *_NEEDS.get(chat, ())])
    return app


def run(chat: Handler, *contexts: Context) -> None:
    """Serve alone: HOST, PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL come from outside.

    `contexts` make what the handler needs besides the OpenAI client, and does not say it needs.
    """
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "0")
    if not port.isdecimal():
        raise SystemExit(f"PORT is {port!r}. Set it to a number, or to 0 for a free port.")
    show_log()
    app = make_app(chat)
    app.cleanup_ctx.extend(contexts)
    try:
        # also how long a client may take for a request's head, however little of it comes when;
        # longer than a proxy in front keeps an idle connection, or it would ask one just closed
        keepalive_s = seconds("KEEPALIVE_S", 75)
        web.run_app(app, host=host, port=int(port), keepalive_timeout=keepalive_s)
    except BadSetting as problem:
        raise SystemExit(str(problem)) from None
    except openai.OpenAIError as problem:
        raise SystemExit(f"The OpenAI client cannot start: {problem}") from None
    except (OSError, OverflowError) as problem:
        raise SystemExit(f"Cannot listen: {problem}. Set another HOST or PORT.") from None


def show_log() -> None:
    """Print what the servers log: only one that runs alone has a place to print to."""
    log = logging.getLogger("servers")
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler(sys.stdout))
