"""The ledger closes: on a frozen pipe every byte and every token is where it says.

The servers carry no instrument, and the ledger none but what it sees from outside. The taps here
are the tests' own, on the transports at both ends of the server.
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from anyio._backends import _asyncio as anyio_backend

from servers import step1_broken, step2_fixed
from servers.common import Chunk
from tests.mechanism import until
from workshop_lib.meter.kernel import Queues, kernel_queues
from workshop_lib.meter.ledger import Readings, StreamLedger, bytes_around_token, read_ledger
from workshop_lib.meter.stations import Stations
from workshop_lib.pipe.crowd import Crowd, ReaderRow
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL
from workshop_lib.pipe.upstream import app_of

READERS = 50
ENOUGH_TOKENS = 110  # more than the sockets of a stalled reader take

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)


class Taps:
    """Counts at the server's sockets: bytes given to a reader's transport, bytes got of the LLM."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: Counter[int] = Counter()  # by the reader's port
        self.got: Counter[int] = Counter()  # by the server's port towards the LLM
        ports: dict[object, int] = {}
        protocol = anyio_backend.StreamProtocol
        made, received = protocol.connection_made, protocol.data_received

        def connection_made(self_: Any, transport: Any) -> None:
            ports[self_] = transport.get_extra_info("sockname")[1]
            made(self_, transport)

        def data_received(self_: Any, data: bytes) -> None:
            self.got[ports[self_]] += len(data)
            received(self_, data)

        monkeypatch.setattr(protocol, "connection_made", connection_made)
        monkeypatch.setattr(protocol, "data_received", data_received)

    async def tap(self, request: web.Request, _: web.StreamResponse) -> None:
        transport: Any = request.transport
        port = transport.get_extra_info("peername")[1]
        write, writelines = transport.write, transport.writelines

        def counted_write(data: bytes) -> None:
            self.given[port] += len(data)
            write(data)

        def counted_writelines(pieces: Any) -> None:
            pieces = list(pieces)
            self.given[port] += sum(map(len, pieces))
            # asyncio's own writelines may call write: that would count twice
            transport.write = write
            writelines(pieces)
            transport.write = counted_write

        transport.write, transport.writelines = counted_write, counted_writelines


@contextmanager
def pipe(
    server: ModuleType,
    taps: Taps,
    readers: int = READERS,
    mix: Mapping[str, float] = {"stalled": 0.8, "steady": 0.2},
    **knobs: Any,
) -> Iterator[tuple[FakeLLM, Crowd, Stations]]:
    def app() -> web.Application:
        made = app_of(server.chat, SMALL.server_rcvbuf)
        made.on_response_prepare.append(taps.tap)
        return made

    gc.collect()
    assert not queued_in_the_server(), "an earlier server still holds its queues"
    with (
        FakeLLM(sndbuf=SMALL.llm_sndbuf, answer_tokens=100_000, **knobs) as llm,
        ServerThread(
            app,
            env=llm.env,
            sndbuf=SMALL.server_sndbuf,
            high_water_bytes=SMALL.high_water,
        ) as thread,
        Crowd(f"{thread.url}/chat", readers, mix, rcvbuf=SMALL.reader_rcvbuf) as crowd,
    ):
        yield llm, crowd, Stations(llm, thread, crowd, knobs.get("token_bytes", 5))


def all_are_held(llm: FakeLLM, server: ModuleType) -> None:
    """Wait until the stalled readers' sockets are full, and what follows is held elsewhere."""
    until(lambda: len(llm.ledger()) == READERS)
    if server is step1_broken:
        until(lambda: min(row.tokens for row in llm.ledger()) >= ENOUGH_TOKENS)
        return

    def stopped() -> bool:
        before = {row.id: row.tokens for row in llm.ledger()}
        time.sleep(0.5)
        same = [row.id for row in llm.ledger() if row.tokens == before[row.id] > 0]
        return len(same) == READERS * 0.8

    until(stopped)


def queued_in_the_server() -> dict[int, int]:
    """Count the tokens in the server's asyncio.Queue objects, by the LLM's stream number."""
    held: Counter[int] = Counter()
    for queue in (one for one in gc.get_objects() if isinstance(one, asyncio.Queue)):
        for chunk in list(queue._queue):  # type: ignore[attr-defined]
            if isinstance(chunk, Chunk) and chunk.choices[0].delta.content:
                held[int(chunk.id.removeprefix("chatcmpl-"))] += 1
    return held


@pytest.mark.measures  # on a busy machine more chunks come in one read, which the SDK then holds
@sees_kernel
@pytest.mark.parametrize("server", [step1_broken, step2_fixed])
def test_on_a_frozen_pipe_the_ledger_closes(server: ModuleType, monkeypatch: pytest.MonkeyPatch):
    taps = Taps(monkeypatch)
    with pipe(server, taps, tokens_per_s=40, token_bytes=50) as (llm, crowd, stations):
        all_are_held(llm, server)
        ledger = stations.frozen()
        ports = {row.reader: row.local_port or 0 for row in crowd.rows()}
        rows = {int(row.prompt.removeprefix("reader ")): row for row in llm.ledger()}
        queued = queued_in_the_server()

    assert len(ledger) == len(rows) == READERS
    downstream = {
        one.reader: taps.given[ports[one.reader]]
        - (one.write_buffer_bytes or 0)
        - (one.kernel_bytes or 0)
        - one.received_bytes
        for one in ledger
    }
    upstream = {
        one.reader: rows[one.reader].bytes
        - (one.llm_bytes or 0)
        - taps.got[rows[one.reader].peer_port]
        for one in ledger
    }
    assert downstream == dict.fromkeys(range(READERS), 0)
    assert upstream == dict.fromkeys(range(READERS), 0)

    off = {one.reader: (one.queued_tokens or 0) - queued[rows[one.reader].id] for one in ledger}
    assert all(abs(tokens) <= 2 for tokens in off.values()), off
    stalled = [one for one in ledger if one.habit == "stalled"]
    assert len(stalled) == READERS * 0.8
    assert all((one.queued_tokens or 0) > 20 for one in stalled) == (server is step1_broken)
    assert all((one.kernel_bytes or 0) > 1000 for one in stalled)
    assert all(one.received_tokens > 0 for one in ledger if one.habit == "steady")


@sees_kernel
def test_large_tokens_are_counted_without_any_reader_that_reads(monkeypatch: pytest.MonkeyPatch):
    """No reader says what an event takes, and still the queue is known."""
    taps = Taps(monkeypatch)
    knobs = {"tokens_per_s": 50, "token_bytes": 500}
    with pipe(step1_broken, taps, 5, {"stalled": 1.0}, **knobs) as (llm, _, stations):
        until(lambda: [row for row in llm.ledger() if row.tokens > 100])
        ledger = stations.frozen()
        ids = {int(row.prompt.removeprefix("reader ")): row.id for row in llm.ledger()}
        queued = queued_in_the_server()
    for one in ledger:
        assert abs((one.queued_tokens or 0) - queued[ids[one.reader]]) <= 2


# -- the arithmetic, without a pipe ---------------------------------------------------------------


def reader(number: int, tokens: int = 0, habit: str = "stalled", part: int = 0) -> ReaderRow:
    body = tokens * 26 + part
    wire = 170 + tokens * 32 + part
    return ReaderRow(
        number, habit, f"reader {number}", 5000 + number, "reading", 200, True, False, None, 0.0,
        None, tokens, tokens - 1, wire, body, None,
    )  # fmt: skip


def stream(number: int, tokens: int, prompt: str = "", ended: bool = False) -> StreamRow:
    return StreamRow(
        number, prompt or f"reader {number}", "m", 6000 + number, tokens, 200 + tokens * 370, 200,
        0, 200 + tokens * 370, 0.0, 0.0, 1.0 if ended else None, None, None,
    )  # fmt: skip


def lay_out(readers: list[ReaderRow], streams: list[StreamRow], **seen: Any) -> list[StreamLedger]:
    gauges: dict[str, Any] = {"write_buffers": {}, "kernel": {}} | seen
    return read_ledger(Readings(80, 81, streams, readers, **gauges))


def test_each_station_has_its_tokens():
    kernel = {
        (80, 6000): Queues(370 * 3, 0),
        (6000, 80): Queues(0, 370 * 2),
        (81, 5000): Queues(32 * 7, 0),
        (5000, 81): Queues(0, 32 * 4),
    }
    (one,) = lay_out([reader(0, 10)], [stream(0, 100)], kernel=kernel, write_buffers={5000: 64})
    assert (one.produced_tokens, one.llm_tokens, one.llm_bytes) == (100, 5, 370 * 5)
    assert (one.write_buffer_bytes, one.kernel_bytes, one.downstream_tokens) == (64, 352, 13)
    assert (one.received_tokens, one.received_bytes) == (10, 490)
    assert (one.queued_tokens, one.queued_bytes, one.open) == (72, 72 * 32, True)


def test_other_connections_do_not_count():
    strangers = {(80, 81): Queues(9, 9), (81, 80): Queues(9, 9), (5000, 80): Queues(9, 9)}
    (one,) = lay_out([reader(0, 1)], [stream(0, 1)], kernel=strangers, write_buffers={1: 10**6})
    assert (one.llm_bytes, one.kernel_bytes, one.write_buffer_bytes) == (0, 0, 0)


def test_what_cannot_be_seen_is_absent():
    (dark,) = lay_out([reader(0, 1)], [stream(0, 9)], kernel=None)
    assert (dark.llm_tokens, dark.kernel_bytes, dark.queued_tokens, dark.queued_bytes) == (
        None, None, None, None,
    )  # fmt: skip
    assert (dark.produced_tokens, dark.received_tokens, dark.write_buffer_bytes) == (9, 1, 0)
    (foreign,) = lay_out([reader(0, 1)], [stream(0, 9)], write_buffers=None)
    assert (foreign.write_buffer_bytes, foreign.queued_tokens) == (None, 8)


def test_streams_belong_to_readers_by_prompt():
    ledger = lay_out(
        [reader(0), reader(1), reader(2)],
        [
            stream(0, 5, "tell me more, reader 1"),
            stream(1, 7, "reader 12"),
            stream(2, 3, "reader 0", ended=True),
            stream(3, 4, "reader 0"),  # asked again: both were produced for it
            stream(4, 9, "hello"),
        ],
    )
    assert [one.produced_tokens for one in ledger] == [7, 5, 0]
    assert [one.open for one in ledger] == [True, True, False]


def test_a_running_pipe_never_owes_tokens():
    (one,) = lay_out([reader(0, 12)], [stream(0, 10)])
    assert one.queued_tokens == 0


@pytest.mark.parametrize("tokens", [(300, 0), (300, 300), (301, 300), (300, 3)])
def test_an_event_that_came_in_part_does_not_spoil_its_size(tokens: tuple[int, int]):
    rows = [reader(0, tokens[0], part=20), reader(1, tokens[1], part=0)]
    assert bytes_around_token(rows) == pytest.approx(27, abs=0.2)
    assert bytes_around_token(rows[::-1]) == pytest.approx(27, abs=0.2)


@pytest.mark.parametrize(("token_bytes", "around_bytes"), [(5, 15), (400, 17)])
def test_a_message_of_a_websocket_has_a_smaller_frame(token_bytes: int, around_bytes: int):
    said_bytes = 50 * (len('{"token": ""}') + token_bytes)
    row = reader(0, 50)._replace(status=101, body_bytes=said_bytes)
    assert bytes_around_token([row], token_bytes) == around_bytes
    assert bytes_around_token([row._replace(tokens=0)]) == 15


def test_the_longer_numbers_of_a_reader_far_ahead_do_not_change_what_is_under_way_to_another():
    """For five minutes a stalled reader's 100 tokens lie in the kernel; a healthy one reads on."""
    under_way = {(81, 5000): Queues(100 * 32, 0)}
    for ahead in (900, 9_000, 90_000):
        token_bytes = sum(max(5, len(f"#{n} ")) for n in range(ahead))
        healthy = reader(1, ahead)._replace(body_bytes=21 * ahead + token_bytes)
        stalled, _ = lay_out(
            [reader(0), healthy], [stream(0, 100), stream(1, ahead)], kernel=under_way
        )
        assert (stalled.downstream_tokens, stalled.queued_tokens) == (100, 0)
