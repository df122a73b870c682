"""Serves the cases to a browser's `EventSource`, and notes where it would resume."""

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).resolve().parents[2]
PAGE = "/tests/sse/oracle.html"
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}


class Oracle:
    """An app with one stream for each case, and the page that reads them.

    An EventSource at the end of its stream calls again and says where it stands: `resumed_at` keeps
    that id by the case's number, without the spaces around it, which HTTP takes off a header. The
    second answer is 204, at which it gives up.
    """

    def __init__(self, cases: Sequence[Sequence[bytes]], parser_js: str) -> None:
        self._cases = cases
        self._parser_js = parser_js
        self._called: set[int] = set()
        self.resumed_at: dict[int, str] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/streams/{number}", self._stream)
        app.router.add_get("/react_client/src/sse.ts", self._parser)
        app.router.add_static("/tests/sse", ROOT / "tests" / "sse")
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        if number in self._called:
            self.resumed_at[number] = request.headers.get("Last-Event-ID", "")
            return web.Response(status=204)
        self._called.add(number)
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        for chunk in self._cases[number]:
            await response.write(chunk)
        return response

    async def _parser(self, request: web.Request) -> web.Response:
        return web.Response(text=self._parser_js, content_type="text/javascript")
