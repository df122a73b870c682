"""What a request may be: the rest is refused, before the LLM is asked, with a status of its own."""

from typing import Any

from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servers.fastapi.common import Question, Refusal, refuse
from servers.settings import count

MAX_PROMPT_CHARS = count("MAX_PROMPT_CHARS", 20_000)
MAX_BODY_BYTES = count("MAX_BODY_BYTES", 131_072)


async def within_limits(request: Request, question: Question) -> Question:
    """Return the question; raises the status of what is wrong with its prompt."""
    if not question.prompt.strip():
        raise Refusal(422, "empty_prompt", "The prompt is empty. Ask something.")
    if len(question.prompt) > MAX_PROMPT_CHARS:
        message = f"The prompt is longer than {MAX_PROMPT_CHARS:,} characters. Shorten it."
        raise Refusal(422, "long_prompt", message)
    return question


async def refuse_type(request: Request, problem: Any) -> JSONResponse:
    """Tell a body of another type from one that is not as it should be."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        message = "Send the prompt with Content-Type: application/json."
        problem = Refusal(415, "not_json", message)
    return await refuse(request, problem)


async def refuse_body(request: Request, problem: Any) -> Response:
    """Find what BodyLimit has said in the error that FastAPI makes of it."""
    if isinstance(problem.__cause__, Refusal):
        return await refuse(request, problem.__cause__)
    return await http_exception_handler(request, problem)


class BodyLimit:
    """Refuse a body that goes on beyond MAX_BODY_BYTES, whatever length it says it has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen_bytes = 0

        async def counted() -> Message:
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > MAX_BODY_BYTES:
                sentence = f"The request is larger than {MAX_BODY_BYTES:,} bytes."
                raise Refusal(413, "too_large", f"{sentence} Send a shorter prompt.")
            return message

        await self._app(scope, counted, send)


HANDLERS = {RequestValidationError: refuse_type, HTTPException: refuse_body}
