"""The fake LLM's web application: OpenAI's two addresses, and its own for knobs and ledger."""

import asyncio

from aiohttp import web

from workshop_lib.pipe.fake_llm import wire
from workshop_lib.pipe.fake_llm.answering import COMPLETE, Ended, StreamedAnswer, send_whole
from workshop_lib.pipe.fake_llm.asking import Asked, AskError, read_request
from workshop_lib.pipe.fake_llm.book import Book, Stream
from workshop_lib.pipe.fake_llm.knobs import REFUSALS, Answer, KnobError
from workshop_lib.pipe.fake_llm.outlet import Outlet
from workshop_lib.pipe.fake_llm.refusing import bad_request, not_here, refuse

MODEL = "fake-llm"
MAX_REQUEST_BYTES = 16 * 2**20


class FakeLLMApp:
    """The state of one fake LLM: the run's knobs, the book, the gate all streams pass."""

    def __init__(self, defaults: Answer) -> None:
        self._defaults = defaults
        self._book = Book()
        self._gate = asyncio.Event()
        self._gate.set()

    def application(self) -> web.Application:
        """Build the web application."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/ledger", self.ledger)
        app.router.add_post("/knobs", self.knobs)
        app.router.add_post("/freeze", self.freeze)
        app.router.add_post("/thaw", self.thaw)
        app.router.add_route("*", "/{path:.*}", not_here)
        return app

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer one prompt, and keep its entry in the book."""
        try:
            asked = await read_request(request, self._defaults)
        except (AskError, KnobError) as problem:
            return bad_request(str(problem))
        stream = self._book.open(asked.model, asked.prompt, request)
        ended_by = "client left"  # whatever cancels or breaks this handler, until it is through
        try:
            response, ended_by = await self._answer(request, asked, stream)
            stream.finish = asked.finish if ended_by == COMPLETE else None
            return response
        finally:
            self._book.close(stream, ended_by)

    async def _answer(self, request: web.Request, asked: Asked, stream: Stream) -> Ended:
        out = Outlet(request, stream, self._gate)
        fault = asked.answer.fault
        answer_id = f"chatcmpl-{stream.number}"
        if fault in REFUSALS:
            return await refuse(fault, out, request.headers.get("Authorization", ""))
        if fault == "silence_before_headers":
            await out.silence()
        if asked.stream:
            return await StreamedAnswer(asked, answer_id, out).send()
        return await send_whole(asked, answer_id, out)

    async def models(self, _: web.Request) -> web.Response:
        """List the one model there is."""
        return web.json_response(wire.models(MODEL))

    async def ledger(self, request: web.Request) -> web.Response:
        """Report the book: all of it, `?since=ID` the newer streams, `?totals=1` the sums."""
        since = request.query.get("since", "0")
        if not since.isdecimal():
            return bad_request(f"since cannot be {since!r}. Use the id of a stream, such as 0.")
        report = self._book.report(int(since), "totals" in request.query)
        return web.json_response(report | {"frozen": not self._gate.is_set()})

    async def knobs(self, request: web.Request) -> web.Response:
        """Turn knobs for all requests from now on."""
        try:
            self._defaults = self._defaults.changed(await request.json())
        except (KnobError, AttributeError, ValueError) as problem:
            return bad_request(str(problem))
        return web.json_response(vars(self._defaults))

    async def freeze(self, _: web.Request) -> web.Response:
        """Stop every stream before its next write; once this has answered, none produces."""
        self._gate.clear()
        return web.json_response({"frozen": True})

    async def thaw(self, _: web.Request) -> web.Response:
        """Let the streams go on."""
        self._gate.set()
        return web.json_response({"frozen": False})
