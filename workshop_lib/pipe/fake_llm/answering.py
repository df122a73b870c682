"""An answer from its first byte to its last, or to the fault that ends it."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from workshop_lib.pipe.fake_llm import wire
from workshop_lib.pipe.fake_llm.asking import Asked
from workshop_lib.pipe.fake_llm.outlet import Outlet
from workshop_lib.pipe.fake_llm.pace import Pace
from workshop_lib.pipe.tokens import token_text

COMPLETE = "answer complete"
SPLIT_GAP_S = 0.002  # so that the two halves of a character come in two reads
STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
BROKE_DOWN = wire.error(
    "The fake LLM broke down in the middle of its answer, as the fault error_event asks for.",
    "server_error",
    "server_error",
)

Ended = tuple[web.StreamResponse, str]


class StreamedAnswer:
    """An answer as server-sent events."""

    def __init__(self, asked: Asked, answer_id: str, out: Outlet) -> None:
        self._asked, self._answer, self._out = asked, asked.answer, out
        self._chunks = wire.Chunks(
            answer_id, asked.model_name, asked.include_usage, asked.include_obfuscation
        )

    async def send(self) -> Ended:
        """Send it all; return the response and what ended it."""
        pace = Pace(self._answer, self._asked.prompt)
        await self._out.start(200, STREAM_HEADERS)
        await pace.until(0)
        await self._out.put(self._chunks.role())
        for token in range(self._answer.answer_tokens):
            await pace.until(token)
            if token == self._answer.fault_at and (ended := await self._fault()):
                return ended
            held_s = await self._put_token(token)
            pace.held_back(held_s, token + 1)
        if self._answer.fault_at == self._answer.answer_tokens and (ended := await self._fault()):
            return ended
        return await self._end()

    async def _put_token(self, token: int) -> float:
        answer = self._answer
        split = answer.fault == "split" and token >= answer.fault_at
        multibyte = split or answer.text == "multibyte"
        lines = answer.text == "lines"
        event = self._chunks.token(token_text(token, answer.token_bytes, multibyte, lines))
        if not split:
            return await self._out.put(event, tokens=1)
        middle = event.index("…".encode()) + 1  # after the first of its three bytes
        held_s = await self._out.put(event[:middle], tokens=1)
        await asyncio.sleep(SPLIT_GAP_S)
        return held_s + await self._out.put(event[middle:])

    async def _end(self) -> Ended:
        asked = self._asked
        await self._out.put(self._chunks.finish(asked.finish))
        if asked.include_usage:
            used = wire.usage(asked.prompt, asked.answer.answer_tokens)
            await self._out.put(self._chunks.usage(used))
        await self._out.put(wire.DONE)
        return await self._out.finish(), COMPLETE

    async def _fault(self) -> Ended | None:
        faults: dict[str, Callable[[], Awaitable[web.StreamResponse | None]]] = {
            "error_event": self._error_event,
            "cut": self._out.cut,
            "early_end": self._out.finish,
            "silence": self._out.silence,
            "garbage": self._garbage,
        }
        if self._answer.fault not in faults:
            return None
        response = await faults[self._answer.fault]()
        return (response, f"fault: {self._answer.fault}") if response else None

    async def _error_event(self) -> web.StreamResponse:
        await self._out.put(wire.event(BROKE_DOWN))
        return await self._out.finish()

    async def _garbage(self) -> None:
        await self._out.put(wire.GARBAGE)


async def send_whole(asked: Asked, answer_id: str, out: Outlet) -> Ended:
    """Answer a request that does not stream: the same pace and faults, then all of it at once."""
    answer = asked.answer
    pace = Pace(answer, asked.prompt)
    broken = answer.fault in ("error_event", "cut", "early_end", "silence")
    tokens = answer.fault_at if broken else answer.answer_tokens
    await pace.until(max(0, tokens - 1))
    if answer.fault == "silence":
        await out.silence()
    if answer.fault == "error_event":
        return await send_json(out, 500, BROKE_DOWN), "fault: error_event"
    if broken:
        return await out.cut(), f"fault: {answer.fault}"
    multibyte = answer.text == "multibyte" or answer.fault == "split"
    lines = answer.text == "lines"
    text = "".join(token_text(n, answer.token_bytes, multibyte, lines) for n in range(tokens))
    used = wire.usage(asked.prompt, tokens)
    body = wire.encode(wire.completion(answer_id, asked.model_name, text, asked.finish, used))
    body = wire.GARBAGE if answer.fault == "garbage" else body
    return await send_body(out, 200, body, tokens), COMPLETE


async def send_json(
    out: Outlet, status: int, body: wire.Json, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Send a JSON body with its length."""
    return await send_body(out, status, wire.encode(body), 0, headers)


async def send_body(
    out: Outlet, status: int, body: bytes, tokens: int, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Send a body of JSON, which carries so many tokens, with its length."""
    length = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    await out.start(status, length | (headers or {}))
    await out.put(body, tokens)
    return await out.finish()
