"""The way through Jupyter's own port: it streams, passes a leave on, and hides no broken answer."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, CookieJar

from servers import silent_endings, step3_cancelling
from servers.common import make_app
from tests.lab import ROOT, TOKEN, stop, wait_until_it_answers
from tests.show_recordings import seen
from workshop_lib import jupyter_proxy
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import free_port

PROMPT = {"prompt": "Hello"}
BASE_URL = "/user/jane"
TOKENS = 3
# What JupyterHub tells the servers of its users, Binder's among them.
FORBIDS_FRAMES = {"headers": {"Content-Security-Policy": "frame-ancestors 'none'"}}


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Jupyter's server under a prefix, as a hub does, and give the address below it."""
    folder: Path = tmp_path_factory.mktemp("jupyter")
    port, log = free_port(), folder / "jupyter.log"
    options = [f"--port={port}", f"--ServerApp.root_dir={folder}", "--no-browser", "--allow-root"]
    options += [f"--ServerApp.base_url={BASE_URL}", f"--IdentityProvider.token={TOKEN}"]
    options += [f"--ServerApp.tornado_settings={FORBIDS_FRAMES}"]
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options],
            env=os.environ | {"JUPYTER_CONFIG_PATH": str(ROOT / "notebooks" / ".jupyter")},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}{BASE_URL}/api", process, log)
        yield f"http://127.0.0.1:{port}{BASE_URL}/workshop"
    finally:
        stop(process)
    assert "Traceback" not in log.read_text()


@pytest.fixture
async def browser(jupyter: str) -> AsyncIterator[ClientSession]:
    """Log in as a browser does: by a cookie, once."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        api = jupyter.replace("/workshop", "/api/status")
        async with session.get(api, params={"token": TOKEN}) as response:
            assert response.status == 200
        yield session


async def tokens_of(response: ClientResponse, tokens: int) -> None:
    for number in range(tokens):
        assert await response.content.readline() == f'data: {{"token": "#{number}.. "}}\n'.encode()
        assert await response.content.readline() == b"\n"


async def test_a_token_is_there_while_the_next_is_not(jupyter: str, browser: ClientSession):
    with (
        FakeLLM(fault="silence", fault_at=TOKENS) as llm,
        ServerThread(partial(make_app, step3_cancelling.chat), env=llm.env) as server,
    ):
        async with browser.post(f"{jupyter}/{server.port}/chat", json=PROMPT) as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            await tokens_of(response, TOKENS)
            assert llm.totals().open == 1
        # the LLM is silent: only a leave that is passed on can end its stream
        await seen(lambda: llm.totals().open == 0)
        assert llm.ledger()[0].ended_by == "client left"


async def test_the_answer_and_a_refusal_pass_as_they_are(jupyter: str, browser: ClientSession):
    with (
        FakeLLM(tokens_per_s=0, answer_tokens=TOKENS) as llm,
        ServerThread(partial(make_app, step3_cancelling.chat), env=llm.env) as server,
    ):
        async with browser.post(f"{jupyter}/{server.port}/chat", json=PROMPT) as response:
            await tokens_of(response, TOKENS)
            assert await response.read() == b"data: [DONE]\n\n"
        async with browser.post(f"{jupyter}/{server.port}/chat", data="no JSON") as response:
            assert response.status == 400
            assert (await response.json())["error"]["code"] == "bad_request"


async def test_a_broken_answer_stays_broken(jupyter: str, browser: ClientSession):
    with (
        FakeLLM(tokens_per_s=0, fault="cut", fault_at=TOKENS) as llm,
        ServerThread(partial(make_app, silent_endings.torn), env=llm.env) as server,
    ):
        async with browser.post(f"{jupyter}/{server.port}/chat", json=PROMPT) as response:
            await tokens_of(response, TOKENS)
            with pytest.raises(ClientPayloadError):
                await response.read()


async def test_a_notebook_may_show_it_in_a_frame_and_no_other_site(
    jupyter: str, browser: ClientSession
):
    async with browser.get(f"{jupyter}/{free_port()}/") as response:
        assert response.headers["Content-Security-Policy"] == "frame-ancestors 'self'"


async def test_where_nobody_listens_it_says_what_to_do(jupyter: str, browser: ClientSession):
    async with browser.get(f"{jupyter}/{free_port()}/") as response:
        assert response.status == 502
        assert "run the cell of the page again" in await response.text()


@pytest.mark.parametrize("page", ["https://elsewhere.example", "http://127.0.0.1:1"])
async def test_another_page_is_refused(jupyter: str, browser: ClientSession, page: str):
    url, origin = f"{jupyter}/{free_port()}/chat", {"Origin": page}
    async with browser.post(url, json=PROMPT, headers=origin) as response:
        assert response.status == 403


async def test_who_is_not_logged_in_is_refused(jupyter: str):
    async with (
        ClientSession() as stranger,
        stranger.post(f"{jupyter}/{free_port()}/chat", json=PROMPT) as response,
    ):
        assert response.status == 403


def test_binder_lets_jupyter_load_it_as_make_lab_does(tmp_path: Path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    python.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([ROOT / "postBuild"], cwd=ROOT, env=os.environ | {"PATH": path}, check=True)
    (installed,) = (tmp_path / "etc" / "jupyter" / "jupyter_server_config.d").iterdir()
    loaded = {"jpserver_extensions": {jupyter_proxy.__name__: True}}
    assert json.loads(installed.read_text()) == {"ServerApp": loaded}
