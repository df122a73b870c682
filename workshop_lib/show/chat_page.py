"""The React page in a frame, the server behind it, and the ledger of the LLM behind that, live."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from html import escape
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import ipywidgets
from aiohttp import web

from servers.common import make_app
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.node import build_page
from workshop_lib.pipe.server import ServerThread
from workshop_lib.show.bundle import widget_bundle
from workshop_lib.show.page import page_address, page_frame

UPDATE_S = 0.3
ROWS = 6
HEAD = ("answer", "produced by the LLM", "received by the page", "ended")
CLOSED = "The page is closed: run this cell again to open it."
LAST_LOOKS, LAST_LOOK_S = 20, 0.05
STYLE = "<style>.workshop-ledger :is(th, td) {padding: 2px 16px 2px 0; text-align: left}</style>"


class ChatPage:
    """What `chat_page()` makes; the end of a cell shows it. It serves until it is closed.

    `rows` are the LLM's streams as of the last look; `received` says of those whose end the page
    has reported how many tokens it got.
    """

    shown: "ChatPage | None" = None  # a cell that is run again takes the place of its first run

    def __init__(self, server: ModuleType, query: Mapping[str, str], knobs: Mapping[str, Any]):
        if ChatPage.shown:
            ChatPage.shown.close()
        self._chat, self._name = server.chat, server.__name__.replace(".", "/")
        self._reports: list[int] = []
        self.rows: Sequence[StreamRow] = ()
        self.received: dict[int, int] = {}
        build_page()
        with ExitStack() as stack:
            self.llm = stack.enter_context(FakeLLM(**knobs))
            self.server = stack.enter_context(ServerThread(self._app, env=self.llm.env))
            stack.pop_all()
        self.address = f"{page_address(self.server.port)}?{urlencode(query)}"
        self.frame = ipywidgets.HTML(page_frame(self.address, f"{self._name}.py"))
        self.ledger = ipywidgets.HTML()
        self.closing = ipywidgets.Button(description="Close", icon="times")
        self.widget = ipywidgets.VBox([self.frame, self.ledger, self.closing])
        self._loop = asyncio.get_running_loop()
        self.closing.on_click(self._clicked)
        self._following = self._loop.create_task(self._follow())
        ChatPage.shown = self

    def close(self) -> None:
        """Stop the server and the LLM; said again, it changes nothing."""
        if ChatPage.shown is not self:
            return
        ChatPage.shown = None
        self._following.cancel()
        self.frame.value = CLOSED
        self.closing.disabled = True
        try:
            self.server.stop()
            self._look_to_the_end()
        finally:
            self.llm.stop()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        text = (
            f"The React page in a frame, asking {self._name}.py, and below it the ledger of the "
            "LLM: run this notebook to use it."
        )
        return widget_bundle(self.widget, text)

    def _clicked(self, _: object) -> None:
        """Close on the kernel's loop: the click may have arrived on another thread."""
        self._loop.call_soon_threadsafe(self.close)

    def _app(self) -> web.Application:
        app = make_app(self._chat)
        app.router.add_post("/report", self._take_report)
        return app

    async def _take_report(self, request: web.Request) -> web.Response:
        """Take what the page says of a run that has ended."""
        self._reports.append(int((await request.json())["tokens"]))
        return web.Response(status=204)

    async def _follow(self) -> None:
        try:
            while True:
                self._look()
                await asyncio.sleep(UPDATE_S)
        except RuntimeError as problem:  # the LLM's process is gone
            self.ledger.value = escape(str(problem))
        finally:
            self.close()

    def _look_to_the_end(self) -> None:
        """See what the LLM says when the server has gone; nothing if it has gone before."""
        try:
            for _ in range(LAST_LOOKS):
                self._look()
                if all(row.ended_by for row in self.rows):
                    return
                time.sleep(LAST_LOOK_S)
        except RuntimeError:
            pass

    def _look(self) -> None:
        self.rows = self.llm.ledger().streams
        while self._reports and self.rows:
            self.received[self.rows[-1].id] = self._reports.pop(0)  # it has one answer at a time
        self.ledger.value = f'{STYLE}<div class="workshop-ledger">{self._table()}</div>'

    def _table(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in HEAD)
        return f"<table><tr>{head}</tr>{''.join(map(self._row, self.rows[-ROWS:]))}</table>"

    def _row(self, row: StreamRow) -> str:
        received = self.received.get(row.id, "")
        cells = (row.id + 1, f"{row.tokens:,} tokens", received, row.ended_by or "not yet")
        return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def chat_page(
    server: ModuleType, prompt: str, *, mode: str = "blocks", autostart: bool = True, **knobs: Any
) -> ChatPage:
    """Open the React page on a server; write it as the last line of a cell.

    `mode` is how the page shows an answer (react_client/src/page/modes.ts), `knobs` are those of
    the LLM. Raises RuntimeError when the page cannot be built.
    """
    query = {"prompt": prompt, "mode": mode, "autostart": str(int(autostart)), "report": "report"}
    return ChatPage(server, query, knobs)
