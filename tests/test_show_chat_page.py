"""The page in a frame: where it is found, what its ledger says, and that it leaves nothing."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession

from servers import step3_cancelling
from tests.mechanism import nothing_left
from tests.show_kernel import kernel
from tests.show_recordings import seen
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.reader import read_events
from workshop_lib.show.chat_page import CLOSED, ChatPage, chat_page
from workshop_lib.show.page import page_address

LONG: dict[str, Any] = {"tokens_per_s": 50, "answer_tokens": 10_000}


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    if ChatPage.shown:
        ChatPage.shown.close()


@pytest.mark.parametrize(
    ("env", "address"),
    [
        ({}, "http://127.0.0.1:4321/"),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/jane/"}, "/user/jane/workshop/4321/"),
        ({"CODESPACES": "true"}, "/workshop/4321/"),
        ({"REMOTE_CONTAINERS": "true"}, "/workshop/4321/"),
        (
            {"WORKSHOP_PAGE_URL": "/proxy/{port}/", "JUPYTERHUB_SERVICE_PREFIX": "/user/jane/"},
            "/proxy/4321/",
        ),
    ],
)
def test_the_way_to_the_page_is_told_by_the_surroundings(env: dict[str, str], address: str):
    assert page_address(4321, env) == address


async def test_the_page_is_served_and_its_answers_are_in_the_ledger(node: str):
    with nothing_left():
        page = chat_page(step3_cancelling, 'Say "hello" & more', mode="plain", **LONG)
        assert f":{page.server.port}/?prompt=Say+%22hello%22+%26+more&mode=plain" in page.address
        assert "&amp;mode=plain" in page.frame.value
        async with ClientSession() as session, session.get(page.address) as response:
            assert '<div id="root">' in await response.text()
        events = read_events(f"{page.server.url}/chat")
        await anext(events)
        await seen(lambda: "not yet" in page.ledger.value)
        await events.aclose()
        await seen(lambda: "client left" in page.ledger.value)
        assert page.rows[0].tokens < LONG["answer_tokens"]
        events = read_events(f"{page.server.url}/chat")
        await anext(events)
        page.close()
        assert page.frame.value == CLOSED and page.closing.disabled
        assert page.ledger.value.count("client left") == 2
        with pytest.raises(ConnectionError):
            async for _ in events:
                pass
        await seen(page._following.done)
        assert page.ledger.value.count("client left") == 2


async def test_what_the_page_reports_stands_beside_what_was_produced(node: str):
    page = chat_page(step3_cancelling, "Hello", tokens_per_s=0, answer_tokens=7)
    assert [data async for data in read_events(f"{page.server.url}/chat")][-1] == "[DONE]"
    async with ClientSession() as session:
        report = await session.post(f"{page.server.url}/report", json={"tokens": 6})
        assert report.status == 204
    await seen(lambda: page.received == {0: 6})
    await seen(lambda: "<td>7 tokens</td><td>6</td><td>answer complete</td>" in page.ledger.value)


async def test_a_cell_that_is_run_again_takes_the_place_of_its_first_run(node: str):
    with nothing_left():
        first = chat_page(step3_cancelling, "Hello")
        second = chat_page(step3_cancelling, "Hello")
        assert first.frame.value == CLOSED
        assert ChatPage.shown is second
        second.closing.click()
        await seen(lambda: second.frame.value == CLOSED)
        second.close()


async def test_an_llm_that_the_environment_names_answers_when_it_is_asked(
    node: str, monkeypatch: pytest.MonkeyPatch
):
    with FakeLLM(tokens_per_s=0, answer_tokens=7) as named:
        for name, value in named.env.items():
            monkeypatch.setenv(name, value)
        with nothing_left():
            page = chat_page(step3_cancelling, "Hello", **LONG)
            assert "autostart=0" in page.address
            await seen(lambda: f"<b>fake-llm</b> at {named.base_url}" in page.ledger.value)
            assert [data async for data in read_events(f"{page.server.url}/chat")][-1] == "[DONE]"
            page.close()
        assert [stream.tokens for stream in named.ledger().streams] == [7]


async def test_an_llm_without_a_key_is_said_and_opens_no_page(
    node: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with nothing_left(), pytest.raises(RuntimeError, match="OPENAI_API_KEY is missing"):
        chat_page(step3_cancelling, "Hello")
    assert ChatPage.shown is None


async def test_an_llm_that_has_gone_is_said_and_ends_the_page(node: str):
    with nothing_left():
        page = chat_page(step3_cancelling, "Hello")
        assert page.llm
        page.llm.stop()
        await seen(
            lambda: "The fake LLM's process has ended" in page.ledger.value.replace("&#x27;", "'")
        )
        await seen(lambda: ChatPage.shown is None)


@pytest.mark.parametrize(
    ("chat", "knobs", "problem"),
    [(step3_cancelling.chat, {"speed": 1}, "no knob 'speed'"), ("no handler", {}, "no handler")],
)
async def test_a_page_that_cannot_start_leaves_nothing(
    node: str, chat: Any, knobs: dict[str, Any], problem: str
):
    server = ModuleType("servers.broken")
    server.chat = chat  # type: ignore[attr-defined]
    with nothing_left(), pytest.raises((ValueError, AssertionError, TypeError), match=problem):
        chat_page(server, "Hello", **knobs)
    assert ChatPage.shown is None


def test_a_notebook_keeps_words_and_its_kernel_ends_with_an_open_page(node: str):
    with nothing_left(), kernel() as k:
        k.run("from servers import step3_cancelling", "from workshop_lib.show import chat_page")
        (shown,) = k.run("chat_page(step3_cancelling, 'Hello')")
        assert shown.data["text/plain"].startswith(
            "The React page in a frame, asking servers/step3"
        )
        assert "iframe" not in str(shown.data)
