"""How a patient puts tokens into a body: five formats that streaming servers are seen to speak."""

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Framing:
    """A media type, and the bytes of a token, of a complete answer's end, and of a failure."""

    media_type: str
    token: Callable[[str], bytes]
    done: bytes
    failed: Callable[[str], bytes]


def _sse(data: object) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _typed(name: str, data: object) -> bytes:
    return f"event: {name}\r\ndata: {json.dumps(data, ensure_ascii=False)}\r\n\r\n".encode()


def _line(data: object) -> bytes:
    return f"{json.dumps(data)}\n".encode()


def _failed(message: str) -> dict[str, object]:
    return {"error": {"code": "llm_failed", "message": message}}


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m",
            "choices": [choice]}  # fmt: skip


SSE = Framing(
    "text/event-stream",
    lambda text: _sse({"token": text}),
    b"data: [DONE]\n\n",
    lambda message: _sse(_failed(message)),
)
OPENAI = Framing(
    "text/event-stream",
    lambda text: _sse(_chunk({"content": text})),
    _sse(_chunk({}, "stop")) + b"data: [DONE]\n\n",
    lambda message: _sse(_failed(message)),
)
TYPED = Framing(
    "text/event-stream",
    lambda text: _typed("token", {"text": text}),
    _typed("done", {}),
    lambda message: _typed("error", {"message": message}),
)
NDJSON = Framing(
    "application/x-ndjson",
    lambda text: _line({"token": text}),
    _line({"done": True}),
    lambda message: _line(_failed(message)),
)
# no mark and no error: whether it is whole, only its reader can guess
TEXT = Framing("text/plain; charset=utf-8", str.encode, b"", lambda _: b"")
