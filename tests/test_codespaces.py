"""Codespaces, as far as it shows here: a page there has another address than its server."""

from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from tests.lab import lab
from workshop_lib.pipe.sockets import free_port

ITS_DOMAIN = "forwarded.example"


async def answer_to(url: str, origin: str) -> int:
    """Log in as a browser does, and return the status of what a page of `origin` asks."""
    address, _, token = url.partition("/?token=")
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        async with session.get(f"{address}/api/status", params={"token": token}) as logged_in:
            assert logged_in.status == 200
        chat = f"{address}/workshop/{free_port()}/chat"
        async with session.post(chat, json={}, headers={"Origin": origin}) as answer:
            return answer.status


async def test_the_forwarded_address_is_jupyters_own_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CODESPACE_NAME", "a-space")
    monkeypatch.setenv("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", ITS_DOMAIN)
    with lab(tmp_path) as url:
        port = url.partition("/?")[0].rpartition(":")[2]
        assert await answer_to(url, f"https://a-space-{port}.{ITS_DOMAIN}") == 502  # nobody serves
        assert await answer_to(url, f"https://b-space-{port}.{ITS_DOMAIN}") == 403
