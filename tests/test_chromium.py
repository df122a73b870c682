"""A Chromium is found where it may be, looks at an address, and leaves nothing."""

from pathlib import Path

import pytest
from aiohttp import web

from tests.mechanism import nothing_left, until
from workshop_lib.pipe import chromium as module
from workshop_lib.pipe.chromium import candidates, chromium_at, find_chromium
from workshop_lib.pipe.server import ServerThread


def test_a_named_one_is_the_only_candidate(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    assert list(candidates()) == ["/nowhere/chromium"]
    assert find_chromium() is None


def test_what_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken, good = tmp_path / "broken", tmp_path / "good"
    for path, status in ((broken, 1), (good, 0)):
        path.write_text(f"#!/bin/sh\nexit {status}\n")
        path.chmod(0o755)
    monkeypatch.setattr(module, "candidates", lambda: iter([str(broken), str(good)]))
    assert find_chromium() == str(good)


@pytest.mark.browser
def test_it_draws_frames_at_an_address_and_leaves_nothing(chromium: str):
    drawn: list[str] = []

    async def page(_: web.Request) -> web.Response:
        script = "requestAnimationFrame(() => fetch('drawn', {method: 'POST'}))"
        return web.Response(text=f"<script>{script}</script>", content_type="text/html")

    async def note(request: web.Request) -> web.Response:
        drawn.append(request.path)
        return web.Response(status=204)

    def app() -> web.Application:
        made = web.Application()
        made.router.add_get("/", page)
        made.router.add_post("/drawn", note)
        return made

    with nothing_left(), ServerThread(app) as server, chromium_at(server.url, chromium):
        until(lambda: drawn)


def test_one_that_does_not_start_says_why(tmp_path: Path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho no display\nexit 1\n")
    broken.chmod(0o755)
    with (
        nothing_left(),
        pytest.raises(RuntimeError, match="no display"),
        chromium_at("about:blank", str(broken)),
    ):
        pass
