"""What step3 repairs besides the cells of the fault matrix, and that step2 needs the repair."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from types import ModuleType

import pytest
from aiohttp import web
from httpx2 import Limits
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from servers import step2_fixed, step3_cancelling
from servers.common import Chunk, make_app
from tests.fault_cells import HEALTHY, Cell, Reader, Served, knobs_of
from tests.mechanism import SAFETY_S, ask, nothing_left, read_all, until
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL
from workshop_lib.pipe.upstream import app_of

READERS, TOKENS = 4, 600
POOL = 3


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@pytest.mark.parametrize("moment", ["before", "midway", "waiting"])
def test_a_connection_that_half_closed_is_given_up(llm: FakeLLM, moment: str):
    with closing(Served("step3_cancelling", step3_cancelling.chat, llm)) as served:
        reader = _half_closed(served, moment)
        until(lambda: not served.left_behind(), 15)
        reader.leave()


def test_the_watch_ends_with_the_answer(llm: FakeLLM):
    with closing(Served("step3_cancelling", step3_cancelling.chat, llm)) as served:
        llm.set(**HEALTHY)
        readers = [Reader(served.server) for _ in range(READERS)]
        for reader in readers:
            reader.read_to_the_end()
        until(lambda: served.more_tasks() == READERS, 5)  # each kept connection's own
        for reader in readers:
            reader.leave()


def test_without_the_repair_a_half_closed_reader_keeps_all(llm: FakeLLM):
    with closing(Served("step2_fixed", step2_fixed.chat, llm)) as served:
        reader = _half_closed(served, "waiting")
        with pytest.raises(AssertionError, match="in vain"):
            until(lambda: "socket" not in served.left_behind(), 1)
        assert served.left_behind() == ("stream", "task", "socket")
        reader.leave()
        until(lambda: "socket" not in served.left_behind(), 15)
    until(lambda: llm.totals().open == 0)


def _half_closed(served: Served, moment: str) -> Reader:
    """Bring a reader to a moment at which it sends FIN, and keeps its socket."""
    served.llm.set(**knobs_of("leaves", moment))
    cell, reader = Cell(served, "leaves", moment), Reader(served.server)
    cell.reach(reader)
    reader.half_close()
    return reader


@pytest.mark.parametrize(("step", "is_fair"), [(step2_fixed, False), (step3_cancelling, True)])
def test_others_get_a_turn_between_two_tokens(
    step: ModuleType, is_fair: bool, monkeypatch: pytest.MonkeyPatch
):
    """Under backlog; turns of the loop are counted, not the seconds they take."""
    turns, seen = 0, list[int]()
    event_of = step.event_of

    def noted(chunk: Chunk) -> bytes:
        seen.append(turns)
        return event_of(chunk)

    async def take_turns(_: web.Application) -> AsyncIterator[None]:
        async def take() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        taking = asyncio.create_task(take())
        yield
        taking.cancel()

    def app() -> web.Application:
        made = app_of(step.chat)
        made.cleanup_ctx.append(take_turns)
        return made

    monkeypatch.setattr(step, "event_of", noted)
    knobs = {"tokens_per_s": 0, "answer_tokens": TOKENS}
    with FakeLLM(sndbuf=0, **knobs) as llm, ServerThread(app, env=llm.env) as server:
        readers = [ask(server.port) for _ in range(READERS)]
        answers = [read_all(reader) for reader in readers]
    assert all(b"[DONE]" in answer for answer in answers)
    most = max(Counter(seen).values())
    # a turn of the loop is one for each of the others, so one token for each reader
    assert most <= READERS if is_fair else most > 3 * READERS, most


def test_readers_that_never_read_and_never_leave_hold_the_way_to_the_llm():
    """What step3 cannot repair without a deadline: the pool is dry until one of them leaves."""

    def app() -> web.Application:
        limits = Limits(max_connections=POOL)
        http_client = DefaultAsyncHttpxClient(limits=limits)
        return make_app(step3_cancelling.chat, lambda: AsyncOpenAI(http_client=http_client))

    with (
        FakeLLM(tokens_per_s=0, token_bytes=1000, answer_tokens=100_000) as llm,
        ServerThread(app, env=llm.env, sndbuf=SMALL.server_sndbuf) as server,
    ):
        stalled = [ask(server.port, rcvbuf=SMALL.reader_rcvbuf) for _ in range(POOL)]
        until(lambda: llm.totals().open == POOL)
        llm.set(answer_tokens=1)
        with ask(server.port) as polite:
            polite.settimeout(1)
            with pytest.raises(TimeoutError):
                polite.recv(1)
            assert llm.totals().streams == POOL
            stalled.pop().close()
            polite.settimeout(SAFETY_S)
            assert b"[DONE]" in read_all(polite)
        for reader in stalled:
            reader.close()
        until(lambda: llm.totals().open == 0)
