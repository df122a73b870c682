"""A silent answer has heartbeats: no parser shows them, and none waits for a stalled reader."""

import itertools
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import httpx2
import pytest
from httpx_sse import connect_sse
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from playwright.sync_api import Route, sync_playwright

from servers import heartbeats
from servers.common import Chunk
from servers.heartbeats import HEARTBEAT, HEARTBEAT_S, WithHeartbeats
from servers.journal import TALLY, Tally
from tests.mechanism import ask, nothing_left, read_all, until
from tests.production import HEALTHY, LARGE, read_until, serving, without_heartbeats
from tests.test_servers import events, parts, tokens_of
from workshop_lib.pipe.chromium import FLAGS
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import SMALL

SOON = {"HEARTBEAT_S": "0.02"}
STALLED_AT = 25


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.mark.parametrize("at", [0, 3, 20])
def test_a_silent_llm_is_told_whatever_the_moment(llm: FakeLLM, at: int):
    with nothing_left(), serving(llm, SOON, fault="silence", fault_at=at) as server:
        with ask(server.port) as reader:
            read_until(reader, HEARTBEAT, 3)
        until(lambda: llm.totals().open == 0)


def test_an_answer_with_heartbeats_is_whole_between_them(llm: FakeLLM):
    with serving(llm, SOON, first_token_s=0.5) as server:
        _, _, body = parts(read_all(ask(server.port)))
    assert body.startswith(HEARTBEAT)
    said = events(without_heartbeats(body))
    assert len(tokens_of(said[:-1])) == HEALTHY["answer_tokens"]
    assert said[-1] == "[DONE]"
    # no id: or retry: either, see servers/heartbeats.py
    assert {line.partition(b":")[0] for line in body.splitlines() if line} == {b"", b"data"}


async def test_chunks_without_text_do_not_put_a_heartbeat_off(monkeypatch: pytest.MonkeyPatch):
    """A model that thinks sends them for minutes, and its reader sees nothing."""
    now_s = itertools.count()  # a second at each look
    monkeypatch.setattr(heartbeats, "time", SimpleNamespace(monotonic=lambda: next(now_s)))

    request = _Request(Tally(None, cast(Any, None), None))
    async with WithHeartbeats(cast(Any, request), cast(Any, _Thinking())) as chunks:
        seen = [await anext(chunks) for _ in range(30)]
    assert seen.count(None) == request[TALLY].heartbeats > 1
    assert seen[0] is not None


class _Thinking:
    """A stream that never has any text."""

    async def __anext__(self) -> Chunk:
        return _chunk("")


class _Request(dict[Any, Any]):
    """As much of a request as heartbeats look at."""

    def __init__(self, tally: Tally) -> None:
        super().__init__({TALLY: tally})
        self.app = {HEARTBEAT_S: 8}


def _chunk(text: str) -> Chunk:
    delta = SimpleNamespace(content=text)
    return cast(Chunk, SimpleNamespace(choices=[SimpleNamespace(delta=delta, finish_reason=None)]))


def test_no_heartbeat_goes_to_a_reader_that_has_stalled(llm: FakeLLM):
    silent_later: dict[str, Any] = LARGE | {"fault": "silence", "fault_at": STALLED_AT}
    with nothing_left(), serving(llm, SOON, **silent_later) as server:
        stalled = ask(server.port, rcvbuf=SMALL.reader_rcvbuf)
        port = stalled.getsockname()[1]
        until(lambda: (server.write_buffers() or {}).get(port))
        llm.set(fault_at=0)
        with ask(server.port) as polite:

            def nothing_is_given_to_it() -> bool:
                before = server.given_bytes()
                read_until(polite, HEARTBEAT, 20)  # as many could have gone out to the other
                return (before or {})[port] == (server.given_bytes() or {})[port]

            until(nothing_is_given_to_it, 15)
        stalled.close()
        until(lambda: llm.totals().open == 0)


# -- parsers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def body(llm: FakeLLM) -> bytes:
    """An answer of 20 tokens with heartbeats before the first of them."""
    with serving(llm, SOON, first_token_s=0.5) as server:
        return parts(read_all(ask(server.port)))[2]


def test_httpx_sse_sees_no_event_in_a_heartbeat(llm: FakeLLM):
    with serving(llm, SOON, first_token_s=0.5) as server, httpx.Client(timeout=60) as client:
        asked = {"prompt": "reader 0"}
        with connect_sse(client, "POST", f"{server.url}/chat", json=asked) as source:
            data = [event.data for event in source.iter_sse()]
    assert [json.loads(one)["token"][:2] for one in data[:3]] == ["#0", "#1", "#2"]
    assert len(data) == HEALTHY["answer_tokens"] + 1


def test_a_browser_sees_no_event_in_a_heartbeat(body: bytes, chromium: str):
    def serve(route: Route) -> None:
        is_page = route.request.url.endswith("/")
        kind = "text/html" if is_page else "text/event-stream"
        route.fulfill(body=b"" if is_page else body, content_type=kind)

    script = """() => new Promise(resolve => {
        const source = new EventSource("/stream"), seen = [];
        source.onmessage = ({data}) => {
            seen.push(data);
            if (data === "[DONE]") { source.close(); resolve(seen); }
        };
    })"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            page = browser.new_page()
            page.route("http://chat.example/**", serve)
            page.goto("http://chat.example/")
            seen = page.evaluate(script)
        finally:
            browser.close()
    assert len(seen) == HEALTHY["answer_tokens"] + 1


OPENAIS = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}'


async def through_the_sdk(stream: bytes) -> int:
    """Count the chunks that openai's SDK makes of a stream."""
    answer = httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=stream)
    transport = httpx2.MockTransport(lambda _: answer)
    async with AsyncOpenAI(
        api_key="sk-none", http_client=DefaultAsyncHttpxClient(transport=transport)
    ) as client:
        chunks = await client.chat.completions.create(model="m", messages=[], stream=True)
        return len([chunk async for chunk in chunks])


async def test_openais_sdk_passes_over_our_heartbeat():
    stream = HEARTBEAT + OPENAIS + b"\n\n" + HEARTBEAT * 2 + OPENAIS + b"\n\ndata: [DONE]\n\n"
    assert await through_the_sdk(stream) == 2


@pytest.mark.parametrize("trap", [b"retry: 1000\n\n", b"id: 7\n: ping\n\n"])
async def test_it_fails_on_what_these_servers_never_send(trap: bytes):
    """When this is repaired in the SDK, the warning in servers/heartbeats.py can go."""
    with pytest.raises(json.JSONDecodeError):
        await through_the_sdk(trap + OPENAIS + b"\n\ndata: [DONE]\n\n")
