"""The page in a real Chromium goes on with its answer: after a lost connection, and a reload."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from servers import step6_resumable
from tests.mechanism import until
from tests.page import Chat, serving
from workshop_lib.pipe.chromium import FLAGS
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.tokens import token_text

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("built_page")]

TOKENS = 200


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=50, answer_tokens=TOKENS) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.fixture(scope="module")
def server(llm: FakeLLM) -> Iterator[ServerThread]:
    with serving(step6_resumable.chat, llm) as server:
        yield server


@pytest.fixture
def chat(browser: Browser, server: ServerThread) -> Iterator[Chat]:
    chat = Chat(browser, server, mode="plain")
    yield chat
    chat.close()


def test_a_reload_goes_on_with_the_answer_and_its_prompt(
    chat: Chat, llm: FakeLLM, server: ServerThread
):
    before = llm.totals().streams
    chat.ask("reader 0")
    chat.wait_for_text("#20")
    chat.page.reload()
    chat.wait_for("done")
    assert chat.text() == "".join(token_text(number) for number in range(TOKENS))
    assert chat.page.get_by_label("Answer").inner_text().count("reader 0") == 1
    assert llm.totals().streams == before + 1
    assert chat.console == []


def test_a_stop_after_a_reload_stops_the_llm(chat: Chat, llm: FakeLLM, server: ServerThread):
    chat.ask()
    chat.wait_for_text("#20")
    chat.page.reload()
    chat.wait_for("streaming")
    chat.page.get_by_role("button", name="Stop").click()
    until(lambda: llm.totals().open == 0)
    assert llm.ledger()[-1].tokens < TOKENS
    chat.page.reload()
    chat.wait_for("idle")
