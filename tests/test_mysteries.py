"""The mystery servers keep to the contract as far as their one fault lets them."""

import asyncio
from functools import partial

import aiohttp
import pytest

from servers.common import Handler, make_app
from servers.mysteries import compressed, reads_on, waits_for_room
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread

TOKENS = 30


async def ask(chat: Handler, accept: str = "", fault: str = "") -> tuple[str, str]:
    """Returns the Content-Encoding of an answer, and its text."""
    with (
        FakeLLM(tokens_per_s=0, answer_tokens=TOKENS, fault=fault, fault_at=5) as llm,
        ServerThread(partial(make_app, chat), env=llm.env) as server,
    ):
        headers = {"Accept-Encoding": accept}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{server.url}/chat", json={"prompt": "Hi"}, headers=headers) as response,
        ):
            return response.headers.get("Content-Encoding", ""), await response.text()


@pytest.mark.parametrize("chat", [compressed, reads_on, waits_for_room])
def test_a_reader_who_stays_gets_all_of_it_and_is_told_when_the_llm_breaks_off(
    chat: Handler,
) -> None:
    _, whole = asyncio.run(ask(chat))
    _, broken = asyncio.run(ask(chat, fault="cut"))
    assert (whole.count('{"token"'), whole.count("[DONE]")) == (TOKENS, 1)
    assert (broken.count('{"token"'), broken.count("llm_failed")) == (5, 1)
    assert "[DONE]" not in broken


@pytest.mark.parametrize(("accept", "encoding"), [("", ""), ("gzip", "gzip"), ("br", "")])
def test_only_who_accepts_compression_gets_it(accept: str, encoding: str) -> None:
    used, text = asyncio.run(ask(compressed, accept))
    assert (used, text.count('{"token"')) == (encoding, TOKENS)
