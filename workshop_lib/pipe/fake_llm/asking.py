"""What a client asks for: the body of POST /v1/chat/completions, and the knobs it turns."""

import json
from dataclasses import dataclass, replace
from typing import Any, cast

from aiohttp import web

from workshop_lib.pipe.fake_llm.knobs import Answer, KnobError, read_knobs

KNOBS_HEADER = "X-Fake-LLM"
KEPT_PROMPT_CHARACTERS = 200


class AskError(ValueError):
    """A request that cannot be answered; its text says why and what to send instead."""


@dataclass(frozen=True)
class Asked:
    """One request, read; `finish` is what the answer will end with."""

    model: str
    prompt: str
    stream: bool
    include_usage: bool
    include_obfuscation: bool
    answer: Answer
    finish: str

    @property
    def model_name(self) -> str:
        """The model without its knobs."""
        return self.model.partition("?")[0]


async def read_request(request: web.Request, defaults: Answer) -> Asked:
    """Read a request; a header's knobs go before the model's, and those before the run's.

    Raises AskError and KnobError.
    """
    body = await _json_body(request)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise AskError("The request names no model. Send one, such as fake-llm?tokens_per_s=5.")
    _, _, query = model.partition("?")
    knobs = read_knobs(query) | read_knobs(request.headers.get(KNOBS_HEADER, ""))
    options = _object(body.get("stream_options"))
    answer, finish = _limited(defaults.changed(knobs), body)
    return Asked(
        model=model,
        prompt=last_user_message(body.get("messages")),
        stream=bool(body.get("stream")),
        include_usage=bool(options.get("include_usage")),
        include_obfuscation=options.get("include_obfuscation") is not False,
        answer=answer,
        finish=finish,
    )


def last_user_message(messages: Any) -> str:
    """Return the end of the text of the last message with role user. Raises AskError."""
    try:
        said = [message["content"] for message in messages if message["role"] == "user"]
        content: Any = said[-1]
        text = content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
    except (TypeError, KeyError, IndexError, AttributeError):
        raise AskError(
            "The request holds no message of a user. "
            'Send messages such as [{"role": "user", "content": "Hello"}].'
        ) from None
    return text[-KEPT_PROMPT_CHARACTERS:]  # the end: there the crowd's readers say who they are


async def _json_body(request: web.Request) -> dict[str, Any]:
    try:
        body = _object(await request.json())
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = {}
    if not body:
        raise AskError("The body is not a JSON object. Send what an OpenAI SDK sends.")
    return body


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _limited(answer: Answer, body: dict[str, Any]) -> tuple[Answer, str]:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if not limit:
        return answer, "stop"
    if not isinstance(limit, int) or limit < 0:
        raise KnobError(f"max_completion_tokens cannot be {limit!r}. Use a whole number above 0.")
    if limit >= answer.answer_tokens:
        return answer, "stop"
    return replace(answer, answer_tokens=limit), "length"
