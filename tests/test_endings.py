"""One reader in this process, and the five ways in which what it reads can end."""

from collections.abc import Iterator
from functools import partial

import pytest

from servers import step3_cancelling
from servers.common import make_app
from tests.mechanism import nothing_left
from workshop_lib.pipe.endings import ENDINGS, serving_endings
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.reader import read_chunks, read_events
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.tokens import token_text
from workshop_lib.show import endings, table
from workshop_lib.show.chunks import cut_inside

TOKENS = 20
LAST = {"complete": "[DONE]", "error event": '{"error": {"code": "llm_failed"'}
BROKEN = {"connection cut", "refused"}


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with serving_endings() as urls:
        yield urls


@pytest.mark.parametrize("name", ENDINGS)
async def test_each_ending_is_as_its_name_says(name: str, urls: dict[str, str]):
    events: list[str] = []
    broken = False
    try:
        async for data in read_events(urls[name]):
            events.append(data)
    except ConnectionError:
        broken = True
    assert broken == (name in BROKEN)
    tokens = [f'{{"token": "{token_text(number)}"}}' for number in range(ENDINGS[name].tokens)]
    assert events[: len(tokens)] == tokens
    rest = events[len(tokens) :]
    assert len(rest) == (name in LAST)
    assert all(one.startswith(LAST[name]) for one in rest)


@pytest.mark.parametrize(("token_bytes", "cut"), [(5, False), (20_000, True)])
async def test_an_event_larger_than_the_sockets_comes_in_pieces(token_bytes: int, cut: bool):
    with (
        FakeLLM(tokens_per_s=100, answer_tokens=TOKENS, token_bytes=token_bytes) as llm,
        ServerThread(partial(make_app, step3_cancelling.chat), env=llm.env, sndbuf=2048) as server,
    ):
        chunks = [chunk async for chunk in read_chunks(f"{server.url}/chat", rcvbuf=2048)]
    assert b"".join(chunks).count(b"\n\n") == TOKENS + 1
    assert (cut_inside(chunks) >= TOKENS) == cut


def test_a_user_of_the_swallowing_chat_is_never_told_and_ours_always(
    node: str, monkeypatch: pytest.MonkeyPatch
):
    shown: list[tuple[str, str]] = []
    monkeypatch.setattr(table, "show", lambda html, text: shown.append((html, text)))
    with nothing_left():
        assert endings.compare_chats() == 0
    ((html, text),) = shown
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    assert head == ["the answer", "a chat that swallows errors", "ours"]
    assert [row[0] for row in rows] == list(ENDINGS)
    for name, swallowed, ours in rows:
        came = f"{ENDINGS[name].tokens} tokens, "
        assert swallowed == f"{came}finished"
        assert ours.startswith(f"{came}done" if name == "complete" else f"{came}error: ")
    sentences = {ours.partition(": ")[2] for _, _, ours in rows}
    assert len(sentences) == 5
    assert html.count("<tr>") == 6
