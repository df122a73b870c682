"""Answers that are none: the errors a provider sends before the first token."""

from aiohttp import web

from workshop_lib.pipe.fake_llm import wire
from workshop_lib.pipe.fake_llm.answering import Ended, send_json
from workshop_lib.pipe.fake_llm.outlet import Outlet

RETRY_AFTER_S = 1


async def refuse(fault: str, out: Outlet, authorization: str) -> Ended:
    """Send the status code and the body of one of knobs.REFUSALS."""
    if fault == "rate_limit":
        status, headers = 429, {"Retry-After": str(RETRY_AFTER_S)}
        body = wire.error(
            f"Rate limit reached. Please try again in {RETRY_AFTER_S}s.",
            "requests",
            "rate_limit_exceeded",
        )
    elif fault == "unauthorized":
        status, headers = 401, {}
        # the real API shows the ends of the key too: a server that passes it on leaks them
        body = wire.error(
            f"Incorrect API key provided: {masked(authorization.removeprefix('Bearer '))}. "
            "You can find your API key in the provider's settings.",
            "invalid_request_error",
            "invalid_api_key",
        )
    else:
        status, headers = 500, {}
        body = wire.error(
            "The server had an error while processing your request. Please retry it.",
            "server_error",
        )
    return await send_json(out, status, body, headers), f"fault: {fault}"


def masked(key: str) -> str:
    """Show both ends of a key, as the API does."""
    return f"{key[:8]}{'*' * max(4, len(key) - 12)}{key[-4:]}"


def bad_request(message: str) -> web.Response:
    """Refuse a request that makes no sense, with a sentence that says what does."""
    body = wire.error(message, "invalid_request_error", "invalid_request")
    return web.json_response(body, status=400)


async def not_here(request: web.Request) -> web.Response:
    """Answer whatever else is asked for: most likely a base URL without its /v1."""
    message = (
        f"The fake LLM has nothing at {request.method} {request.path}. "
        f"Set OPENAI_BASE_URL to http://{request.host}/v1, which has "
        "POST /v1/chat/completions and GET /v1/models."
    )
    body = wire.error(message, "invalid_request_error", "unknown_url")
    return web.json_response(body, status=404)
