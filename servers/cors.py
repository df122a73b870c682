"""Which other site's pages may ask: none, unless ALLOW_ORIGIN names one (Fetch standard, CORS)."""

import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from aiohttp import web

from servers.settings import BadSetting

PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "POST, GET, DELETE",  # the last two for step6
    "Access-Control-Allow-Headers": "Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "7200",
}

EXPOSED = "Retry-After, X-Budget-Left, X-Answer-Id"


async def cors(app: web.Application) -> AsyncIterator[None]:
    """Without ALLOW_ORIGIN a preflight gets 405, and no answer can be read by another site."""
    if allowed := _allowed_origin():

        async def allow(_: web.Request, response: web.StreamResponse) -> None:
            response.headers["Access-Control-Allow-Origin"] = allowed
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

        app.on_response_prepare.append(allow)
        app.router.add_route("OPTIONS", "/chat{answer:(/[^/]+)?}", _preflight)
    yield


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT_HEADERS)


def _allowed_origin() -> str:
    origin = os.environ.get("ALLOW_ORIGIN", "")
    parts = urlsplit(origin)
    if origin in ("", "*") or (origin == f"{parts.scheme}://{parts.netloc}" and parts.netloc):
        return origin
    raise BadSetting(
        f"ALLOW_ORIGIN is {origin!r}. Set it to one origin, such as https://chat.example, "
        "without a path; to * for any; or leave it out."
    )
