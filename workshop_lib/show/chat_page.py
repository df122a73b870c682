"""The React page in a frame, the server behind it, and the ledger of the LLM behind that, live.

An LLM that the environment names (`chosen_llm`) answers in the fake one's place, without a ledger.
"""
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
from workshop_lib.pipe.chosen_llm import chosen_llm
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.node import build_page
from workshop_lib.pipe.server import ServerThread
from workshop_lib.show.answers import ledger_table, without_ledger
from workshop_lib.show.bundle import widget_bundle
from workshop_lib.show.page import page_address, page_frame

UPDATE_S = 0.3
CLOSED = "The page is closed: run this cell again to open it."
LAST_LOOKS, LAST_LOOK_S = 20, 0.05


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
        self.chosen = chosen_llm()
        build_page()
        with ExitStack() as stack:
            self.llm = None if self.chosen else stack.enter_context(FakeLLM(**knobs))
            env = self.llm.env if self.llm else {}
            self.server = stack.enter_context(ServerThread(self._app, env=env))
            stack.pop_all()
        # an answer that may cost money, or minutes, starts when somebody presses Send
        unasked = {"autostart": "0"} if self.chosen else {}
        self.address = f"{page_address(self.server.port)}?{urlencode({**query, **unasked})}"
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
            if self.llm:
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
        if self.chosen:
            self.ledger.value = without_ledger(self.chosen)
        if not self.llm:
            return
        self.rows = self.llm.ledger().streams
        while self._reports and self.rows:
            self.received[self.rows[-1].id] = self._reports.pop(0)  # it has one answer at a time
        self.ledger.value = ledger_table(self.rows, self.received)


def chat_page(
    server: ModuleType, prompt: str, *, mode: str = "blocks", autostart: bool = True, **knobs: Any
) -> ChatPage:
    """Open the React page on a server; write it as the last line of a cell.

    `mode` is how the page shows an answer (react_client/src/page/modes.ts), `knobs` are those of
    the fake LLM. Raises RuntimeError when the page cannot be built, or the LLM has no key.
    """
    query = {"prompt": prompt, "mode": mode, "autostart": str(int(autostart)), "report": "report"}
    return ChatPage(server, query, knobs)
