"""The model as OpenAI would serve it: chat completions, streamed or whole, and a list of models."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from workshop_lib.pipe.fake_llm import wire
from workshop_lib.pipe.fake_llm.refusing import bad_request
from workshop_lib.pipe.local_model.engine import CONTEXT_TOKENS, MODEL
from workshop_lib.pipe.local_model.pieces import Answer, Refused, prompt_of

PASSED_ON = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
READ_HERE = ("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens")
STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
BROKE_OFF = wire.error("The model broke off. Ask again.", "server_error", "server_error")
SESSION = web.AppKey("session", ClientSession)


class LocalModelApp:
    """Serves what llama.cpp at `engine_url` generates; `options` hold for every request."""

    def __init__(self, engine_url: str, options: Mapping[str, Any]) -> None:
        self._engine_url, self._options = engine_url, options

    def application(self) -> web.Application:
        """Build the web application."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", models)
        app.router.add_get("/metrics", metrics)
        app.cleanup_ctx.append(self._session)
        return app

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer one chat; what is wrong before the first token is a status."""
        try:
            return await self._chat(request)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        except ClientError:
            return web.json_response(BROKE_OFF, status=500)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            asked: wire.Json = await request.json()
            if unknown := asked.keys() - {*PASSED_ON, *READ_HERE}:
                names = ", ".join(sorted(unknown))
                return bad_request(f"The local model knows no {names}: leave that away.")
            answer = await self._answer(request.app[SESSION], asked)
            stream_options: wire.Json = asked.get("stream_options") or {}
            include_usage = bool(stream_options.get("include_usage"))
        except (ValueError, LookupError, TypeError, AttributeError):
            return bad_request('Send JSON like {"messages": [{"role": "user", "content": "Hi"}]}.')
        # left in the middle, the generator closes its connection, and llama.cpp stops
        async with aclosing(answer.text()) as texts:
            first = await anext(texts, "")
            if not asked.get("stream"):
                return await send_whole(answer, first, texts)
            return await stream(request, answer, first, texts, include_usage)

    async def _answer(self, session: ClientSession, asked: wire.Json) -> Answer:
        prompt = await prompt_of(session, asked["messages"])
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens") or CONTEXT_TOKENS
        given = {name: asked[name] for name in PASSED_ON if asked.get(name) is not None}
        return Answer(session, prompt, int(limit), {**given, **self._options})

    async def _session(self, app: web.Application) -> AsyncIterator[None]:
        # readers beyond the model's places wait in its queue, however long that takes
        patience = ClientTimeout(total=None)
        # llama.cpp closes a connection after a streamed answer without having said so
        connector = TCPConnector(limit=0, force_close=True)
        async with ClientSession(self._engine_url, connector=connector, timeout=patience) as made:
            app[SESSION] = made
            yield


async def stream(
    request: web.Request,
    answer: Answer,
    first: str,
    texts: AsyncGenerator[str],
    include_usage: bool,
) -> web.StreamResponse:
    """Send an answer as events: the next token is asked for when the socket has taken the last."""
    chunks = wire.Chunks(answer_id(), MODEL, include_usage, obfuscated=False)
    response = web.StreamResponse(headers=STREAM_HEADERS)
    writer = await response.prepare(request)
    assert writer is not None and request.transport is not None
    request.transport.set_write_buffer_limits(high=0)
    await response.write(chunks.role() + chunks.text(first))
    try:
        async for text in texts:
            await response.write(chunks.text(text))
            await writer.drain()
        last = chunks.finish(answer.finish)
        last += chunks.usage(usage(answer)) if include_usage else b""
        last += wire.DONE
    except (Refused, ClientError):
        last = wire.event(BROKE_OFF)
    await response.write_eof(last)
    return response


async def send_whole(answer: Answer, first: str, texts: AsyncGenerator[str]) -> web.Response:
    """Send an answer that is not to be streamed, when it is complete."""
    try:
        text = first + "".join([text async for text in texts])
    except (Refused, ClientError):
        return web.json_response(BROKE_OFF, status=500)
    body = wire.completion(answer_id(), MODEL, text, answer.finish, usage(answer))
    return web.json_response(body)


def answer_id() -> str:
    """Name an answer as the API does."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def usage(answer: Answer) -> wire.Json:
    """Count the tokens as the model does."""
    used = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.tokens}
    return used | {"total_tokens": answer.prompt_tokens + answer.tokens}


async def models(_: web.Request) -> web.Response:
    """List the one model there is."""
    return web.json_response(wire.models(MODEL))


async def metrics(request: web.Request) -> web.Response:
    """Pass on llama.cpp's own counters, in Prometheus's format."""
    async with request.app[SESSION].get("/metrics") as response:
        return web.Response(text=await response.text())
