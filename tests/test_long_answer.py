"""A long answer: equal sections, all of its text, a pace only where it is watched."""

import json
from collections.abc import AsyncIterator

import pytest

from servers.common import make_app
from workshop_lib.pipe.long_answer import LongAnswer
from workshop_lib.pipe.reader import read_chunks, read_events
from workshop_lib.pipe.server import ServerThread

SHORT = LongAnswer(sections=5, watched=2, tokens_per_s=2_000, settle_s=0.05)


def text_of(answer: LongAnswer) -> str:
    return "".join(token for section in answer.tokens for token in section)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    env = {"OPENAI_API_KEY": "none"}
    with ServerThread(lambda: make_app(SHORT.chat), env=env) as server:
        yield f"{server.url}/chat"


@pytest.mark.parametrize("prose", [False, True])
def test_every_section_is_as_long_as_its_neighbour(prose: bool):
    answer = LongAnswer(prose=prose)
    assert {len(section) for section in answer.tokens} == {250}
    assert 90_000 < len(text_of(answer)) < 110_000
    assert text_of(answer) == text_of(LongAnswer(prose=prose))
    assert ("```" in text_of(answer)) != prose


def test_watched_sections_are_spread_from_the_first_to_the_last():
    answer = LongAnswer(sections=9, watched=3)
    assert answer.watched_sections == [0, 4, 8]
    assert [end - begin for begin, end in answer.stretches] == [
        len("".join(answer.tokens[n])) for n in (0, 4, 8)
    ]
    assert answer.stretches[0][0] == 0
    assert answer.stretches[-1][1] == len(text_of(answer))


async def test_its_reader_gets_all_of_it(url: str):
    *events, done = [data async for data in read_events(url)]
    assert done == "[DONE]"
    assert "".join(json.loads(data)["token"] for data in events) == text_of(SHORT)


async def test_what_nobody_watches_comes_at_once(url: str):
    """Of the chunks of the socket, those with one event are the watched ones."""
    chunks = [chunk.count(b"data:") async for chunk in read_chunks(url)]
    assert max(chunks) > 100
    assert sum(count for count in chunks if count < 100) < 3 * 250
