"""The request that an endpoint understands: presets, and what the command line says instead."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workshop_lib.pipe.crowd.call import Call

PROMPT = "{prompt}"  # what a Call puts the reader's prompt in place of


def _body(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields)


_MESSAGE = {"role": "user", "content": PROMPT}
# The AI SDK's useChat: messages have parts, and chats and messages have ids.
_UI_MESSAGE = {
    "id": "message-1",
    "role": "user",
    "content": PROMPT,
    "parts": [{"type": "text", "text": PROMPT}],
}

PRESETS = {
    "prompt": _body({"prompt": PROMPT}),
    "openai": _body({"model": "fake-llm", "stream": True, "messages": [_MESSAGE]}),
    "ai-sdk": _body({"id": "chat-1", "trigger": "submit-message", "messages": [_UI_MESSAGE]}),
    "messages": _body({"messages": [_MESSAGE]}),
    "message": _body({"message": PROMPT}),
    "query": _body({"query": PROMPT}),
    "question": _body({"question": PROMPT}),
    "input": _body({"input": PROMPT}),
    "text": _body({"text": PROMPT}),
    "content": _body({"content": PROMPT}),
}
PATHS = ("/chat", "/api/chat", "/v1/chat/completions", "/stream", "/chat/stream", "/api/stream",
         "/api/chat/stream", "/api/generate", "/generate", "/completion", "/api/completion",
         "/api/chat/completions", "/completions", "/message", "/messages", "/api/message",
         "/api/messages", "/ask", "/api/ask", "/sse", "/events", "/")  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """How to ask: `body` holds `{prompt}`, and the query of a GET's `path` does too."""

    path: str
    method: str = "POST"
    body: str = PRESETS["prompt"]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    preset: str = "prompt"

    def call(self, origin: str, headers: Mapping[str, str] | None = None) -> Call:
        """Return the call of one reader; raises ValueError for a request that cannot be sent."""
        accept = {"Accept": "text/event-stream, application/x-ndjson, */*;q=0.5"}
        own = accept | dict(self.headers) | dict(headers or {})
        return Call.to(origin + self.path, self.method, own, self.body)

    def __str__(self) -> str:
        shape = f" with {self.body}" if self.method != "GET" else ""
        return f"{self.method} {self.path}{shape}"
