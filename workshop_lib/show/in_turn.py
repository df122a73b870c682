"""A server for the page that is measured: it shows one long answer in one mode after the other."""

from pathlib import Path

from aiohttp import web

from servers.common import make_app
from workshop_lib.meter.page_run import PageRun, read_report
from workshop_lib.pipe.long_answer import LongAnswer

PAGE = Path(__file__).with_name("in_turn.html")


class InTurn:
    """Serves the page, its answer, and at /in_turn the page around it that calls it in turn.

    `runs` has the modes that have come to their end, as measured in the browser that `where` names.
    `opened` tells whether any browser has come; `asked` how often one has asked for the answer,
    which it does only while somebody can see it.
    """

    def __init__(self, modes: tuple[str, ...], answer: LongAnswer, where: str) -> None:
        self._modes, self._answer = modes, answer
        self.where = where
        self.runs: dict[str, PageRun] = {}
        self.opened, self.asked = False, 0

    @property
    def wanted(self) -> list[str]:
        """The modes that nobody has measured yet."""
        return [mode for mode in self._modes if mode not in self.runs]

    def app(self) -> web.Application:
        app = make_app(self._chat)
        app.router.add_get("/in_turn", self._page)
        app.router.add_get("/wanted", self._next)
        app.router.add_post("/report", self._take)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        return await self._answer.chat(request)

    async def _page(self, _: web.Request) -> web.StreamResponse:
        self.opened = True
        return web.FileResponse(PAGE)

    async def _next(self, _: web.Request) -> web.Response:
        return web.json_response(next(iter(self.wanted), None))

    async def _take(self, request: web.Request) -> web.Response:
        run = read_report(await request.json(), self.where, self._answer.stretches)
        self.runs[run.mode] = run
        return web.Response(status=204)
