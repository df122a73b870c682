"""The React page in a real Chromium, and servers that answer as a test wants."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from openai import AsyncOpenAI
from playwright.sync_api import Browser, Locator, Page, expect

from servers.common import Handler, event, make_app, start_stream
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import Server, ServerThread

DONE = b"data: [DONE]\n\n"
# What Chromium itself writes about an answer that is an error or breaks off.
CHROMIUMS_OWN = "Failed to load resource"


def saying(events: Iterable[object], ending: bytes = DONE, gap_s: float = 0.0) -> Handler:
    """Make a handler that sends events and an ending, and then cuts the connection if it is b""."""

    async def chat(request: web.Request) -> web.StreamResponse:
        response, _ = await start_stream(request)
        for one in events:
            await response.write(event(one))
            await asyncio.sleep(gap_s)
        if ending:
            await response.write(ending)
        elif request.transport:
            request.transport.abort()
        return response

    return chat


def tokens(*texts: str) -> list[dict[str, str]]:
    return [{"token": text} for text in texts]


@contextmanager
def serving(chat: Handler, llm: FakeLLM, **thread: Any) -> Iterator[ServerThread]:
    """Serve the page and a handler beside it."""
    app: Callable[[], web.Application] = lambda: make_app(  # noqa: E731
        chat, lambda: AsyncOpenAI(max_retries=0)
    )
    with ServerThread(app, env=llm.env, **thread) as server:
        yield server


class Chat:
    """The page as its reader sees it; `console` holds what must not be there."""

    def __init__(self, browser: Browser, server: Server, **query: str) -> None:
        self._context = browser.new_context(viewport={"width": 800, "height": 700})
        self.page: Page = self._context.new_page()
        self.console: list[str] = []
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda problem: self._note("error", str(problem)))
        self.page.goto(f"{server.url}/?{urlencode(query)}")

    def close(self) -> None:
        self._context.close()

    @property
    def answer(self) -> Locator:
        """The element of the answer's text."""
        return self.page.locator(".plain, .markdown")

    def text(self) -> str:
        """The answer, to its last character."""
        return (self.answer.text_content() or "") if self.answer.count() else ""

    def ask(self, prompt: str = "reader 0") -> None:
        self.page.get_by_label("Prompt").fill(prompt)
        self.page.get_by_label("Prompt").press("Enter")

    def wait_for(self, status: str) -> None:
        expect(self.page.locator(f"[data-status={status}]")).to_be_visible(timeout=60_000)

    def wait_for_text(self, text: str) -> None:
        expect(self.answer).to_contain_text(text, timeout=60_000)

    def alert(self) -> str:
        return self.page.get_by_role("alert").inner_text()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(CHROMIUMS_OWN):
            self.console.append(text)
