"""The page in a real Chromium against the workshop's servers: every token, and every way to end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, expect, sync_playwright

from servers import step3_cancelling
from servers.common import make_app
from tests.mechanism import until
from tests.page import Chat, saying, serving, tokens
from tests.twins import TWINS, serving_twin, twin
from workshop_lib.pipe.chromium import FLAGS
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.server import Server, ServerThread
from workshop_lib.pipe.tokens import token_text

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("built_page")]

TOKENS = 400
PLENTY = 100_000
Open = Callable[..., Chat]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running_llm() -> Iterator[FakeLLM]:
    with FakeLLM() as llm:
        yield llm


@pytest.fixture
def llm(running_llm: FakeLLM) -> FakeLLM:
    running_llm.thaw()
    running_llm.set(
        tokens_per_s=0, answer_tokens=TOKENS, token_bytes=5, text="plain", fault="", fault_at=0
    )
    return running_llm


@pytest.fixture(scope="module")
def step3(running_llm: FakeLLM) -> Iterator[ServerThread]:
    with serving(step3_cancelling.chat, running_llm) as server:
        yield server


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens pages, and sees at the end that none of them has complained."""
    opened: list[Chat] = []

    def open_page(server: Server, **query: str) -> Chat:
        opened.append(Chat(browser, server, **query))
        return opened[-1]

    yield open_page
    for chat in opened:
        assert chat.console == []
        chat.close()


def last_stream(llm: FakeLLM) -> StreamRow:
    return llm.ledger()[-1]


def numbered(tokens: int, *, multibyte: bool = False) -> str:
    return "".join(token_text(n, 5, multibyte) for n in range(tokens))


# -- a whole answer -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["plain", "multibyte"])
@pytest.mark.parametrize("tokens_per_s", [0, 400])
def test_the_page_shows_what_the_llm_said_to_the_last_character(
    open_page: Open, step3: ServerThread, llm: FakeLLM, text: str, tokens_per_s: int
):
    llm.set(text=text, tokens_per_s=tokens_per_s)
    chat = open_page(step3, mode="plain")
    chat.ask()
    chat.wait_for("done")
    assert chat.text() == numbered(TOKENS, multibyte=text == "multibyte")
    expect(chat.page.get_by_role("status")).to_have_text(f"Done: {len(chat.text()):,} characters.")


@pytest.mark.parametrize("framework", TWINS)
@pytest.mark.usefixtures("node")
def test_the_twins_serve_the_page_and_what_it_asks(open_page: Open, llm: FakeLLM, framework: str):
    with serving_twin(llm, twin(framework), answer_tokens=TOKENS) as server:
        chat = open_page(server, mode="plain")
        chat.ask()
        chat.wait_for("done")
        assert chat.text() == numbered(TOKENS)
        llm.set(fault="cut", fault_at=7)
        chat.ask()
        chat.wait_for("error")
        assert "broke off" in chat.alert()
        llm.set(fault="silence", fault_at=3)
        chat.ask()
        chat.wait_for_text("#2")
        chat.page.get_by_role("button", name="Stop").click()
        chat.wait_for("stopped")
        until(lambda: last_stream(llm).ended_s)


@pytest.mark.parametrize("mode", ["blocks", "at-end", "per-frame", "per-token"])
def test_each_way_to_show_it_shows_all_of_it(
    open_page: Open, step3: ServerThread, llm: FakeLLM, mode: str
):
    chat = open_page(step3, mode=mode)
    chat.ask()
    chat.wait_for("done")
    expect(chat.page.locator(".markdown")).to_be_visible()
    assert chat.text().rstrip() == numbered(TOKENS).rstrip()  # Markdown ends without its space


def test_a_slow_network_loses_nothing(open_page: Open, step3: ServerThread, llm: FakeLLM):
    chat = open_page(step3, mode="plain")
    link = chat.page.context.new_cdp_session(chat.page)
    link.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 200, "downloadThroughput": 8_000, "uploadThroughput": 8_000},
    )
    chat.ask()
    chat.wait_for_text("#0")
    chat.wait_for("done")
    assert chat.text() == numbered(TOKENS)


def test_a_tab_that_draws_no_frames_moves_on(open_page: Open, step3: ServerThread, llm: FakeLLM):
    """Playwright tells every tab that it is seen, so its frames are taken from this one."""
    llm.set(tokens_per_s=50, answer_tokens=PLENTY)
    chat = open_page(step3, mode="plain")
    chat.page.evaluate("window.requestAnimationFrame = () => 0")
    chat.ask()
    chat.wait_for_text("#20 ")
    expect(chat.page.get_by_role("status")).to_have_text("Answering…")
    llm.freeze()
    produced = last_stream(llm).tokens
    chat.wait_for_text(f"#{produced - 1} ")
    assert chat.text() == numbered(produced)


# -- an end before the end ------------------------------------------------------------------------


def test_stop_reaches_the_llm_and_keeps_the_text(
    open_page: Open, step3: ServerThread, llm: FakeLLM
):
    llm.set(tokens_per_s=50, answer_tokens=PLENTY, fault="silence", fault_at=6)
    chat = open_page(step3, mode="plain")
    chat.ask()
    chat.wait_for_text("#5 ")
    chat.page.get_by_role("button", name="Stop").click()
    chat.wait_for("stopped")
    until(lambda: last_stream(llm).ended_by == "client left")
    assert chat.text() == numbered(6)
    expect(chat.page.get_by_role("button", name="Send")).to_be_focused()


def test_leaving_the_page_reaches_the_llm(open_page: Open, step3: ServerThread, llm: FakeLLM):
    llm.set(tokens_per_s=50, answer_tokens=PLENTY)
    chat = open_page(step3)
    chat.ask()
    chat.wait_for_text("#5")
    assert last_stream(llm).ended_by is None
    chat.page.goto("about:blank")
    until(lambda: last_stream(llm).ended_by == "client left")


def test_a_second_prompt_takes_the_place_of_the_first(
    open_page: Open, step3: ServerThread, llm: FakeLLM
):
    llm.set(tokens_per_s=50, answer_tokens=PLENTY)
    chat = open_page(step3, mode="plain")
    chat.ask("first")
    chat.wait_for_text("#5 ")
    llm.set(tokens_per_s=0, answer_tokens=3)
    chat.ask("second")
    chat.wait_for("done")
    assert chat.text() == numbered(3)
    until(lambda: {row.prompt: row.ended_by for row in llm.ledger()}.get("first") == "client left")


def test_regenerate_asks_the_same_again_and_reset_forgets(
    open_page: Open, step3: ServerThread, llm: FakeLLM
):
    llm.set(answer_tokens=3)
    chat = open_page(step3)
    before = llm.totals().streams
    chat.ask("the same")
    chat.wait_for("done")
    chat.page.get_by_role("button", name="Regenerate").click()
    until(lambda: llm.totals().streams == before + 2)
    assert [row.prompt for row in llm.ledger()][-2:] == ["the same", "the same"]
    chat.wait_for("done")
    chat.page.get_by_role("button", name="Reset").click()
    chat.wait_for("idle")
    expect(chat.page.get_by_text("Ask something.")).to_be_visible()
    expect(chat.page.get_by_label("Prompt")).to_be_focused()


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["error_event", "cut", "early_end"])
def test_an_answer_that_breaks_off_says_so_and_keeps_its_text(
    open_page: Open, step3: ServerThread, llm: FakeLLM, fault: str
):
    llm.set(fault=fault, fault_at=7)
    chat = open_page(step3, mode="plain")
    chat.ask()
    chat.wait_for("error")
    assert chat.alert() == "The model broke off in the middle of its answer. Try again."
    assert chat.text() == numbered(7)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (b"", "The connection broke in the middle of the answer. Send it again."),
        (b": nothing more\n\n", "The answer ended before it was complete. Send it again."),
    ],
)
def test_a_server_that_breaks_off_is_told_too(
    open_page: Open, llm: FakeLLM, ending: bytes, said: str
):
    with serving(saying(tokens("half of ", "it"), ending, gap_s=0.1), llm) as server:
        chat = open_page(server, mode="plain")
        chat.ask()
        chat.wait_for("error")
        assert (chat.text(), chat.alert()) == ("half of it", said)


def test_a_refusal_is_shown_with_what_to_do(open_page: Open, step3: ServerThread, llm: FakeLLM):
    llm.set(fault="rate_limit")
    chat = open_page(step3)
    chat.ask()
    chat.wait_for("error")
    assert chat.alert() == "The model is busy. Try again."
    llm.set(fault="", answer_tokens=2)
    chat.page.get_by_role("button", name="Regenerate").click()
    chat.wait_for("done")
    assert chat.page.get_by_role("alert").count() == 0


def test_a_server_that_has_gone_is_told(open_page: Open, llm: FakeLLM):
    with serving(saying([]), llm) as server:
        chat = open_page(server)
    chat.ask()
    chat.wait_for("error")
    assert chat.alert() == "The server cannot be reached. Start it, then try again."


# -- text is text ---------------------------------------------------------------------------------

NASTY = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n",
    "[click](javascript:alert(1)) ![pixel](https://evil.example/pixel.png)\n\n",
    "<iframe src='javascript:alert(1)'></iframe><svg onload=alert(1)>\n\n",
    "```html\n<script>alert(1)</script>\n```\n\n| <b>x</b> |\n|---|\n| <img src=x> |\n",
)


@pytest.mark.parametrize("mode", ["blocks", "plain", "at-end", "per-frame", "per-token"])
def test_what_a_model_writes_never_comes_to_life(open_page: Open, llm: FakeLLM, mode: str):
    requested: list[str] = []
    with serving(saying(tokens(*"".join(NASTY)), gap_s=0.002), llm) as server:
        chat = open_page(server, mode=mode)
        chat.page.on("dialog", lambda dialog: requested.append(dialog.message))
        chat.page.on("request", lambda request: requested.append(request.url))
        chat.ask()
        chat.wait_for("done")
        expect(chat.answer).to_contain_text("alert(1)")
        live = chat.answer.locator("script, img, iframe, svg, b, [onerror], [onload]")
        assert live.count() == 0
        assert chat.page.locator("a[href^='javascript' i]").count() == 0
        assert [url for url in requested if not url.startswith(f"{server.url}/")] == []


# -- the page itself ------------------------------------------------------------------------------

WIDE = (
    "# A title\n\n", "a_very_long_word_" * 20, "\n\n```py\n", "x = 1  # " + "long " * 60,
    "\n```\n\n", "|" + " head |" * 20 + "\n|" + "---|" * 20 + "\n|" + " cell |" * 20 + "\n",
)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(open_page: Open, llm: FakeLLM, theme: str):
    with serving(saying(tokens(*WIDE)), llm) as server:
        chat = open_page(server, theme=theme, prompt="hello")
        chat.page.set_viewport_size({"width": 360, "height": 640})
        chat.ask()
        chat.wait_for("done")
        assert chat.page.evaluate("document.documentElement.scrollWidth") == 360
        answer = chat.page.get_by_label("Answer")
        assert answer.evaluate("box => box.scrollWidth <= box.clientWidth")
        paper = chat.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (theme == "light")


def test_it_follows_the_text_until_its_reader_scrolls_up(open_page: Open, llm: FakeLLM):
    words = [f"word{n} " for n in range(600)]
    with serving(saying(tokens("A paragraph.\n\n" * 100, *words), gap_s=0.03), llm) as server:
        chat = open_page(server, mode="plain", prompt="hello", autostart="1")
        answer = chat.page.get_by_label("Answer")
        below = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
        chat.wait_for_text("word20 ")
        assert answer.evaluate(below) < 2
        answer.hover()
        chat.page.mouse.wheel(0, -300)
        until(lambda: answer.evaluate(below) > 200)
        chat.wait_for_text("word60 ")  # a wheel's way takes some frames
        top = answer.evaluate("box => box.scrollTop")
        chat.wait_for_text("word120 ")
        assert answer.evaluate("box => box.scrollTop") == top
        chat.page.mouse.wheel(0, 1_000_000)
        until(lambda: answer.evaluate(below) < 2)
        shown = answer.evaluate("box => box.scrollHeight")
        until(lambda: answer.evaluate("box => box.scrollHeight") > shown)
        assert answer.evaluate(below) < 2


def test_it_says_what_is_going_on_and_not_each_token(
    open_page: Open, step3: ServerThread, llm: FakeLLM
):
    llm.set(tokens_per_s=100, answer_tokens=100)
    chat = open_page(step3)
    chat.page.evaluate(
        """said = []; new MutationObserver(() => said.push(document.querySelector('[role=status]')
        .textContent)).observe(document.querySelector('[role=status]'),
        {subtree: true, childList: true, characterData: true})"""
    )
    chat.ask()
    chat.wait_for("done")
    size = len(numbered(100))
    assert chat.page.evaluate("said") == [
        "Waiting for the first token…",
        "Answering…",
        f"Done: {size:,} characters.",
    ]
    assert chat.page.get_by_label("Answer").get_attribute("aria-live") is None


def test_a_run_is_counted(open_page: Open, step3: ServerThread, llm: FakeLLM):
    llm.set(tokens_per_s=200)
    chat = open_page(step3, prompt="hello", autostart="1", mode="blocks")
    chat.page.wait_for_function("window.lastRun")
    run: dict[str, Any] = chat.page.evaluate("window.lastRun")
    expected = {"type": "streaming-run", "mode": "blocks", "status": "done", "tokens": TOKENS}
    assert run | expected == run
    assert run["characters"] == len(numbered(TOKENS))
    assert 0 < len(run["commits"]) <= run["chunks"] + 5
    assert run["commits"][-1]["characters"] == run["characters"]
    assert all(commit["workMs"] >= 0 and commit["parsed"] >= 0 for commit in run["commits"])
    assert run["firstTokenMs"] > 0 and run["tokensPerS"] > 0
    assert run["droppedFrames"] >= 0 and run["longTasks"] >= 0
    expect(chat.page.get_by_label("Statistics")).to_contain_text(f"{TOKENS}tokens")


def test_a_notebook_around_it_learns_what_a_run_has_cost(
    open_page: Open, browser: Browser, llm: FakeLLM
):
    """In a frame of another page; the report goes to that page and to an address beside it."""
    posted: list[dict[str, Any]] = []

    async def notebook(_: web.Request) -> web.Response:
        source = "/?prompt=hello&autostart=1&report=notebook/report"
        script = "<script>told = []; onmessage = (event) => told.push(event.data)</script>"
        page = f"{script}<iframe src='{source}' width=600 height=500></iframe>"
        return web.Response(text=page, content_type="text/html")

    async def report(request: web.Request) -> web.Response:
        posted.append(await request.json())
        return web.Response(status=204)

    def app() -> web.Application:
        made = make_app(saying(tokens("a", "b"), gap_s=0.02))
        made.router.add_get("/notebook", notebook)
        made.router.add_post("/notebook/report", report)
        return made

    with ServerThread(app, env=llm.env) as server:
        page = browser.new_page()
        page.goto(f"{server.url}/notebook")
        page.wait_for_function("told.length")
        until(lambda: posted)
        told = page.evaluate("told")
        page.close()
    assert [run["type"] for run in told] == ["streaming-run"]
    assert posted == told
    assert told[0]["tokens"] == 2


def test_where_nothing_is_built_the_server_says_what_to_run(
    tmp_path: Path, llm: FakeLLM, browser: Browser, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("servers.common.PAGE", tmp_path)
    with serving(saying([]), llm) as server:
        page = browser.new_page()
        answer = page.goto(server.url)
        assert answer and answer.status == 404
        message = answer.json()["error"]["message"]
        page.close()
    assert message == "The page is not built: run `make lab`."
