"""Witnesses: what came and when, how it ended, and six connections for one browser."""

import asyncio
import threading

import pytest
from aiohttp import web

from tests.mechanism import until
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.witness import Visit, Witnesses

TOKEN = b'data: {"token": "#0.. "}\n\n'
ENDS = {
    "complete": b"data: [DONE]\n\n",
    "told": b'data: {"error": {"code": "llm_failed", "message": "No."}}\n\n',
    "unfinished": b"",
}


async def chat(request: web.Request) -> web.StreamResponse:
    """Ends an answer as its path says."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Seen": "Yes"})
    await response.prepare(request)
    await response.write(TOKEN + b": a comment\n\n")
    how = request.match_info["how"]
    if how == "cut" and request.transport:
        request.transport.close()
    elif how == "open":
        await asyncio.Event().wait()
    else:
        await response.write(ENDS[how])
    return response


def make_app() -> web.Application:
    """Returns the app of that handler."""
    app = web.Application()
    app.router.add_post("/{how}", chat)
    return app


def have_ended(witnesses: Witnesses) -> bool:
    """Tells whether all answers are over."""
    return all(one.ended_s is not None for one in [*witnesses.tabs, witnesses.direct])


@pytest.mark.parametrize("how", [*ENDS, "cut"])
def test_an_answer_is_kept_with_its_head_its_reads_and_its_end(how: str) -> None:
    with (
        ServerThread(make_app) as server,
        Witnesses(f"{server.url}/{how}", f"{server.url}/complete") as seen,
    ):
        until(lambda: have_ended(seen))
    (tab,) = seen.tabs
    assert (tab.ended, seen.direct.ended) == (how, "complete")
    assert (tab.headers["x-seen"], tab.tokens) == ("Yes", 1)
    assert tab.head_s is not None and tab.ended_s is not None
    assert tab.head_s <= tab.arrivals[0].t_s <= tab.ended_s


def test_a_browser_has_six_connections_whatever_number_of_tabs_it_has() -> None:
    threads = threading.active_count()

    def begun(tabs: list[Visit]) -> list[str]:
        return [tab.ended for tab in tabs]

    with (
        ServerThread(make_app) as server,
        Witnesses(f"{server.url}/open", f"{server.url}/complete", tabs=7) as seen,
    ):
        until(lambda: begun(seen.tabs).count("open") == 6 and seen.direct.ended == "complete")
        assert begun(seen.tabs) == ["open"] * 6 + ["waiting"]
    assert threading.active_count() == threads


def test_a_server_that_is_not_there_cuts_the_answer() -> None:
    with Witnesses("http://127.0.0.1:9/chat", "http://127.0.0.1:9/chat") as seen:
        until(lambda: have_ended(seen))
    assert seen.tabs[0].ended == "cut"
