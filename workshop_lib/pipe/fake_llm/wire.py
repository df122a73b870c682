"""OpenAI's wire format for chat completions, as its SDKs read it.

Source: platform.openai.com/docs/api-reference/chat-streaming.
"""

import json
import time
from typing import Any

DONE = b"data: [DONE]\n\n"
GARBAGE = b'data: {"id": "chatcmpl-\n\n'
# The API pads its chunks, so that their size does not betray the token, unless a client sends
# stream_options.include_obfuscation false. A socket's buffer holds fewer of the larger chunks.
OBFUSCATION = "n0tR3allyR4nd0m" * 6

Json = dict[str, Any]


def encode(body: Json) -> bytes:
    """Write JSON as the API does: no spaces, text as UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def event(body: Json) -> bytes:
    """Frame a JSON body as a server-sent event."""
    return b"data: " + encode(body) + b"\n\n"


def error(message: str, kind: str, code: str | None = None, param: str | None = None) -> Json:
    """Build the body of an error, the same before the start and in mid-stream."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def models(name: str) -> Json:
    """Build the answer to GET /v1/models: one model."""
    model = {"id": name, "object": "model", "created": 0, "owned_by": "streaming-workshop"}
    return {"object": "list", "data": [model]}


def usage(prompt: str, tokens: int) -> Json:
    """Count tokens: our own exactly, the prompt's by its words."""
    words = len(prompt.split())
    return {"prompt_tokens": words, "completion_tokens": tokens, "total_tokens": words + tokens}


def completion(answer_id: str, model: str, text: str, finish: str, used: Json) -> Json:
    """Build the answer to a request that does not stream."""
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": used,
    }


class Chunks:
    """The events of one streamed answer, in bytes."""

    def __init__(
        self, answer_id: str, model: str, include_usage: bool, obfuscated: bool = True
    ) -> None:
        self._head: Json = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
            "service_tier": "default",
            "system_fingerprint": "fp_" + answer_id[-10:].rjust(10, "0"),
        }
        # with include_usage every chunk but the last carries a null (API reference)
        self._tail: Json = {"usage": None} if include_usage else {}
        if obfuscated:
            self._tail["obfuscation"] = OBFUSCATION
        hole = self._chunk({"content": "\0"}, None)
        self._before_token, _, self._after_token = hole.rpartition(b"\\u0000")

    def role(self) -> bytes:
        """Return the first event: who speaks."""
        return self._chunk({"role": "assistant", "content": ""}, None)

    def token(self, text: str) -> bytes:
        """Return the event of one token, whose text needs no JSON escape but for line ends."""
        return self._before_token + text.replace("\n", "\\n").encode() + self._after_token

    def text(self, text: str) -> bytes:
        """Return the event of any text: slower than `token`, for it is escaped."""
        return self._chunk({"content": text}, None)

    def finish(self, reason: str) -> bytes:
        """Return the last event with a choice: why the answer ended."""
        return self._chunk({}, reason)

    def usage(self, used: Json) -> bytes:
        """Return the event with the totals, which has no choice."""
        return event({**self._head, "choices": [], "usage": used})

    def _chunk(self, delta: Json, finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**self._head, "choices": [choice], **self._tail})
