"""The page in a hidden tab: ours shows text and passes comments over, the broken ones do not."""

import asyncio

import pytest
from aiohttp import web

from tests.mechanism import until
from workshop_lib.pipe.hidden_page import HiddenPage
from workshop_lib.pipe.server import ServerThread

TOKENS = 50


class Answer:
    """Sends a comment and some tokens, and keeps the answer open; `asked` once one has come."""

    asked = False

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/chat", self._chat)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        # in one chunk: a page that stops at the comment has received the tokens all the same
        tokens = b'data: {"token": "#0.. "}\n\n' * TOKENS
        await response.write(b": the model is thinking\n\n" + tokens)
        self.asked = True
        await asyncio.Event().wait()
        return response


@pytest.mark.parametrize(
    ("swap", "received", "shown", "empty", "says"),
    [
        ("", TOKENS, TOKENS, 0, "streaming"),
        ("./frames=framesOnly.ts", TOKENS, 0, 0, "submitted"),
        ("./sse=everyBlock.ts", TOKENS, 0, 1, "error: The server sent an event that is no JSON"),
    ],
)
def test_what_a_hidden_page_shows(
    swap: str, received: int, shown: int, empty: int, says: str
) -> None:
    answer = Answer()
    with ServerThread(answer.app) as server:
        page = HiddenPage(f"{server.url}/chat", swap)
        with page:
            until(lambda: answer.asked)
            looks = len(page.so_far())
            until(lambda: len(page.so_far()) >= looks + 6)  # its own clock, however slow
    last = page.looks[-1]
    assert (last.received, last.shown, last.empty) == (received, shown, empty)
    assert last.says.startswith(says)


def test_a_page_that_cannot_run_says_what_to_do() -> None:
    page = HiddenPage("http://127.0.0.1:9/chat", "./sse=nowhere.ts")
    with (
        pytest.raises(
            RuntimeError, match=r"Node ended early: Error.*nowhere\.ts.* Run `make install`\."
        ),
        page,
    ):
        until(lambda: page.ended)
