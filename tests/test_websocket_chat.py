"""The chat over a WebSocket: what steps 2 and 3 promise, and what a reader may say meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, web
from openai import AsyncOpenAI

from servers import websocket_chat
from servers.common import make_app
from workshop_lib.experiment import Experiment
from workshop_lib.leaving import judge_leaving
from workshop_lib.passage import side_by_side
from workshop_lib.pipe.crowd import Crowd
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.server import ServerThread
from workshop_lib.verdict import judge

pytestmark = pytest.mark.measures

TOKENS = 20
PATIENCE_S = 30
PACE: dict[str, Any] = {"tokens_per_s": 100, "time_lapse": 4, "websocket": True}

Say = Callable[..., Awaitable[None]]


def make() -> web.Application:
    return make_app(websocket_chat.chat, lambda: AsyncOpenAI(max_retries=0))


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=0, answer_tokens=TOKENS) as llm:
        yield llm


@pytest.fixture(scope="module")
def server(llm: FakeLLM) -> Iterator[ServerThread]:
    with ServerThread(make, env=llm.env) as server:
        yield server
    assert server.errors == []


@pytest.fixture(autouse=True)
def usual_answers(llm: FakeLLM) -> None:
    llm.set(tokens_per_s=0, answer_tokens=TOKENS, fault="", fault_at=0)


@asynccontextmanager
async def dialogue(server: ServerThread) -> AsyncIterator[tuple[ClientWebSocketResponse, Say]]:
    async with (
        asyncio.timeout(PATIENCE_S),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/chat") as socket,
    ):
        yield socket, lambda **order: socket.send_str(json.dumps(order))


async def hear(socket: ClientWebSocketResponse, until: Callable[[str], bool]) -> list[str]:
    """Returns the messages up to the first that ends them."""
    heard = [await socket.receive_str()]
    while not until(heard[-1]):
        heard.append(await socket.receive_str())
    return heard


def is_end(message: str) -> bool:
    return message == "[DONE]" or "error" in message


async def ended(llm: FakeLLM, prompt: str) -> StreamRow:
    """Returns the LLM's row of an answer when it has ended."""
    while True:
        for row in llm.ledger().streams:
            if row.prompt == prompt and row.ended_by:
                return row
        await asyncio.sleep(0.05)


async def test_a_whole_answer_comes_as_the_data_of_events(server: ServerThread):
    async with dialogue(server) as (socket, say):
        await say(prompt="Hello")
        first, *tokens, last = await hear(socket, is_end)
    assert (first, last) == ('{"answer": 1}', "[DONE]")
    assert [json.loads(token)["token"][:2] for token in tokens[:3]] == ["#0", "#1", "#2"]
    assert len(tokens) == TOKENS


async def test_a_stop_ends_the_answer_and_not_the_connection(server: ServerThread, llm: FakeLLM):
    llm.set(tokens_per_s=50, answer_tokens=100_000)
    async with dialogue(server) as (socket, say):
        await say(prompt="to be stopped")
        await hear(socket, lambda message: "#5" in message)
        await say(stop=True)
        row = await ended(llm, "to be stopped")
        assert (row.ended_by, row.tokens < 1_000) == ("client left", True)
        llm.set(tokens_per_s=0, answer_tokens=TOKENS)
        await say(prompt="the next")
        await hear(socket, lambda message: message == '{"answer": 2}')
        assert len(await hear(socket, is_end)) == TOKENS + 1


async def test_shorter_ends_the_answer_and_asks_the_same_again(server: ServerThread, llm: FakeLLM):
    llm.set(tokens_per_s=50, answer_tokens=100_000)
    async with dialogue(server) as (socket, say):
        await say(prompt="Explain it.")
        await hear(socket, lambda message: "#5" in message)
        llm.set(tokens_per_s=0, answer_tokens=TOKENS)
        await say(shorter=True)
        *_, boundary = await hear(socket, lambda message: message.startswith('{"answer"'))
        assert (boundary, len(await hear(socket, is_end))) == ('{"answer": 2}', TOKENS + 1)
    assert (await ended(llm, "Explain it.")).ended_by == "client left"
    assert (await ended(llm, "Explain it. Shorter, please.")).tokens == TOKENS


@pytest.mark.parametrize("nonsense", ["{", "[]", "7", "null"])
async def test_what_is_no_order_stops_and_breaks_nothing(server: ServerThread, nonsense: str):
    async with dialogue(server) as (socket, say):
        await socket.send_str(nonsense)
        await say(prompt="Hello")
        assert (await hear(socket, is_end))[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("fault", "code"), [("cut", "llm_failed"), ("rate_limit", "busy"), ("unauthorized", "llm_fail")]
)
async def test_what_goes_wrong_is_a_message(
    server: ServerThread, llm: FakeLLM, fault: str, code: str
):
    llm.set(fault=fault, fault_at=5 if fault == "cut" else 0)
    async with dialogue(server) as (socket, say):
        await say(prompt="Hello")
        told = json.loads((await hear(socket, is_end))[-1])
    assert told["error"]["code"].startswith(code)


async def test_the_llm_stops_for_who_stalls_stops_or_leaves():
    def with_readers(habit: str) -> Experiment:
        load = {"readers": 5, "mix": {habit: 4, "steady": 1}, "token_bytes": 400}
        return Experiment(websocket_chat, seconds=4, **load, **PACE)

    # the last of them leaves while its server waits for its socket
    habits = "stalled", "stopper:20", "leaver:20", "leaver:5:close:1"
    runs = await side_by_side(*map(with_readers, habits))
    outcomes = [judge(runs[0]), *map(judge_leaving, runs[1:])]
    assert [one.outcome for one in outcomes] == ["bounded", *["stopped"] * 3], outcomes
    for run in runs:
        assert (run.errors, run.complaints) == ([], [])
        healthy = run.samples[-1].group(["steady"])
        assert healthy.received_tokens > healthy.produced_tokens * 0.9


async def test_a_stop_is_heard_from_a_reader_whose_socket_is_full(llm: FakeLLM):
    llm.set(tokens_per_s=0, answer_tokens=1_000_000)
    with ServerThread(make, env=llm.env, sndbuf=4096) as server:
        async with dialogue(server) as (_, say):
            await say(prompt="to be read by nobody")
            before = -1
            while before != (before := llm.totals().tokens):  # noqa: ASYNC110 (it sets no event)
                await asyncio.sleep(0.5)
            await say(stop=True)  # nothing of the answer has been read
            assert (await ended(llm, "to be read by nobody")).ended_by == "client left"


def test_where_no_websocket_is_opened_a_crowd_is_told(server: ServerThread):
    with Crowd(f"ws://127.0.0.1:{server.port}/nowhere") as crowd:
        rows = crowd.wait_until(lambda rows: all(row.state == "failed" for row in rows))
    assert {row.error for row in rows} == {"HTTP 404"}
