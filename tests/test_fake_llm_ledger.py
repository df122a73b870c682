"""The fake LLM's ledger is exact, its pace holds, and it stops for a reader that does not read."""

import asyncio
import json
import socket
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import aiohttp
import h11
import pytest

from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.fake_llm.wire import Chunks
from workshop_lib.pipe.sockets import connecting_socket
from workshop_lib.pipe.tokens import TokenOrder, TokenScanner, token_text

SAFETY_S = 30.0  # never the judge
FOREVER = "fake-llm?tokens_per_s=0&answer_tokens=1000000"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=0, answer_tokens=30, sndbuf=4096) as llm:
        yield llm


class RawReader:
    """A client that reads exactly what it is told to."""

    def __init__(self, llm: FakeLLM, model: str, prompt: str, *, stream: bool = True) -> None:
        self.llm, self.prompt = llm, prompt
        self.sock = connecting_socket(rcvbuf=4096)
        self.sock.settimeout(SAFETY_S)
        self.sock.connect(("127.0.0.1", llm.port))
        messages = [{"role": "user", "content": prompt}]
        body = json.dumps({"model": model, "messages": messages, "stream": stream})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        self.sock.sendall(f"{head}\r\n{body}".encode())
        self.port = self.sock.getsockname()[1]

    def row(self) -> StreamRow:
        """Return this reader's stream as the ledger has it; wait until it is there."""
        return until(lambda: [r for r in self.llm.ledger() if r.peer_port == self.port])[-1]

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            assert piece, f"closed after {len(data)} of {size} bytes"
            data += piece
        return data

    def read_answer(self) -> bytes:
        """Read to the end of the last chunk."""
        data = b""
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data += self.sock.recv(65536)
        return data

    def __enter__(self) -> "RawReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


Seen = TypeVar("Seen")


def until(look: Callable[[], Seen]) -> Seen:
    """Look until there is something to see."""
    deadline_s = time.monotonic() + SAFETY_S
    while not (seen := look()):
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.01)
    return seen


def when_stopped(reader: RawReader, still_s: float = 0.3) -> StreamRow:
    """Wait until the stream has produced nothing for a while; return its row."""

    def look() -> StreamRow | None:
        ledger = reader.llm.ledger(since=reader.row().id)
        row = next(row for row in ledger if row.peer_port == reader.port)
        progress_s = row.last_progress_s or ledger.now_s
        return row if ledger.now_s - progress_s > still_s else None

    stopped = until(look)
    assert stopped is not None
    return stopped


def tokens_in(data: bytes) -> list[int]:
    """Parse an HTTP response, and find the tokens in its body."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    scanner, numbers = TokenScanner(), list[int]()
    while isinstance(event := connection.next_event(), h11.Response | h11.Data):
        if isinstance(event, h11.Data):
            numbers += scanner.feed(bytes(event.data))
    return numbers


def kernel_queues(port: int) -> int:
    """Sum send and receive queue of both ends of a connection, as Linux tells them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ends = [line.split() for line in lines if f":{port:04X} " in line]
    return sum(int(size, 16) for end in ends for size in end[4].split(":"))


# -- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["m", "m?text=multibyte&token_bytes=3000", "m?fault=split"])
def test_bytes_are_those_a_reader_counts(llm: FakeLLM, model: str):
    with RawReader(llm, model, "reads all") as reader:
        data = reader.read_answer()
        row = until(lambda: [r for r in [reader.row()] if r.ended_s])[0]
    assert row.bytes == row.accepted_bytes == len(data)
    assert row.header_bytes == data.index(b"\r\n\r\n") + 4
    assert tokens_in(data) == list(range(30))
    assert (row.tokens, row.buffered_bytes) == (30, 0)
    assert (row.ended_by, row.finish, row.prompt) == ("answer complete", "stop", "reads all")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["", "rate_limit", "cut", "error_event"])
def test_bytes_are_exact_when_it_goes_wrong_too(llm: FakeLLM, fault: str, stream: bool):
    with RawReader(llm, f"m?fault={fault}&fault_at=3", "reads", stream=stream) as reader:
        row = until(lambda: [r for r in [reader.row()] if r.ended_s])[0]
        data = reader.read(row.bytes)
        reader.sock.settimeout(0.2)
        try:
            assert reader.sock.recv(1) == b""
        except TimeoutError:
            assert fault != "cut"
    assert row.accepted_bytes == len(data)
    assert row.header_bytes == (data.index(b"\r\n\r\n") + 4 if data else 0)


def test_two_answers_on_one_connection_are_two_rows(llm: FakeLLM):
    with RawReader(llm, "m?answer_tokens=2", "first") as reader:
        first = reader.read_answer()
        body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"second"}]}'
        reader.sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ")
        reader.sock.sendall(b"%d\r\n\r\n%s" % (len(body), body))
        second = reader.read_answer()
        rows = [row for row in llm.ledger() if row.peer_port == reader.port]
    assert [(row.prompt, row.bytes) for row in rows[-2:]] == [
        ("first", len(first)),
        ("second", len(second)),
    ]


def test_frozen_stream_of_a_reader_that_does_not_read_accounts_for_every_byte(llm: FakeLLM):
    with RawReader(llm, FOREVER, "reads nothing") as reader:
        when_stopped(reader)
        llm.freeze()
        try:
            row = reader.row()
            if sys.platform == "linux":
                until(lambda: kernel_queues(reader.port) == reader.row().accepted_bytes)
            data = reader.read(row.bytes)
            reader.sock.settimeout(0.3)
            with pytest.raises(TimeoutError):
                reader.sock.recv(1)
            after = reader.row()
            assert (after.tokens, after.bytes) == (row.tokens, row.bytes)
            assert (after.buffered_bytes, after.accepted_bytes) == (0, row.bytes)
        finally:
            llm.thaw()
    numbers = TokenScanner().feed(data)
    assert numbers == list(range(row.tokens))


# -- backpressure, freezing -----------------------------------------------------------------------


@pytest.mark.parametrize("token_bytes", [5, 2000, 100_000])
def test_it_stops_for_a_reader_that_does_not_read(llm: FakeLLM, token_bytes: int):
    """As fast as it can, it would produce thousands of tokens a second."""
    with RawReader(llm, f"{FOREVER}&token_bytes={token_bytes}", "reads nothing") as reader:
        when_stopped(reader)
        time.sleep(0.5)  # the kernel may still take a little, at each probe of the closed window
        row = reader.row()
    event = Chunks("chatcmpl-0000", FOREVER, False).token(token_text(999_999, token_bytes))
    event_bytes = len(event) + 20  # and its HTTP chunk's frame
    assert 0 < row.buffered_bytes <= event_bytes  # one event waits, none is made
    assert row.accepted_bytes < 40_000 + event_bytes  # sockets of 4096 bytes take about 13 kB


def test_it_goes_on_without_a_burst_when_the_reader_reads_again(llm: FakeLLM):
    rate, model = 200, "m?tokens_per_s=200&answer_tokens=100000&token_bytes=2000"
    with RawReader(llm, model, "pauses") as reader:
        held = when_stopped(reader, still_s=1.0)  # 200 tokens not produced in that time
        resumed_s = llm.ledger().now_s
        reader.read(400_000)
        ledger = llm.ledger(since=held.id)
        produced = next(r for r in ledger if r.id == held.id).tokens - held.tokens
    assert produced > 50
    assert produced <= (ledger.now_s - resumed_s) * rate + 3


def test_frozen_it_produces_nothing_and_thawed_it_goes_on(llm: FakeLLM):
    model = "m?tokens_per_s=100&answer_tokens=100000"
    with RawReader(llm, model, "streams") as early:
        until(lambda: early.row().tokens > 5)
        llm.freeze()
        try:
            with RawReader(llm, "m", "comes late") as late:
                frozen, waiting = early.row(), late.row()
                time.sleep(0.3)
                assert llm.ledger().frozen
                assert early.row() == frozen
                assert (late.row().tokens, late.row().bytes) == (waiting.tokens, 0) == (0, 0)
                thawed_s = llm.ledger().now_s
                llm.thaw()
                until(lambda: early.row().tokens > frozen.tokens + 20)
                ledger = llm.ledger(since=frozen.id)
                assert tokens_in(late.read_answer()) == list(range(30))
        finally:
            llm.thaw()
    assert not ledger.frozen
    assert ledger[0].tokens - frozen.tokens <= (ledger.now_s - thawed_s) * 100 + 3


def test_a_fast_reader_does_not_starve_the_others(llm: FakeLLM):
    """Two streams as fast as it can, and the ledger is still answered."""
    with RawReader(llm, FOREVER, "greedy") as one, RawReader(llm, FOREVER, "greedy too") as two:
        for _ in range(20):
            one.read(50_000)
            two.read(50_000)
        assert min(one.row().tokens, two.row().tokens) > 1000


# -- who ended it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "stream"),
    [
        ("fault=silence_before_headers", True),
        ("first_token_s=3600", True),
        ("first_token_s=3600", False),
        ("tokens_per_s=0.001", True),
        ("tokens_per_s=20&answer_tokens=100000", True),
        ("fault=silence&fault_at=3", True),
        ("tokens_per_s=0&answer_tokens=1000000", True),  # waits for the socket
    ],
)
@pytest.mark.parametrize("reset", [False, True])
def test_reader_that_leaves_is_noticed_in_every_phase(
    llm: FakeLLM, phase: str, stream: bool, reset: bool
):
    with RawReader(llm, f"m?{phase}", "leaves", stream=stream) as reader:
        row = reader.row()
        if stream and "silence_before" not in phase:
            until(lambda: reader.row().header_bytes)
        if phase.startswith("tokens_per_s=0&"):
            when_stopped(reader)
        assert reader.row().ended_by is None
        if reset:
            reader.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    ended = until(lambda: [r for r in llm.ledger(since=row.id) if r.id == row.id and r.ended_s])[0]
    assert (ended.ended_by, ended.finish) == ("client left", None)
    assert ended.accepted_bytes <= ended.bytes
    assert llm.totals().open == 0


def test_reader_that_leaves_while_frozen_is_noticed(llm: FakeLLM):
    llm.freeze()
    try:
        with RawReader(llm, "m", "leaves") as reader:
            number = reader.row().id
        until(lambda: llm.ledger(since=number)[0].ended_by == "client left")
    finally:
        llm.thaw()


# -- pace -----------------------------------------------------------------------------------------


def test_pace_is_kept_within_two_percent(llm: FakeLLM):
    rate = 100
    with RawReader(llm, f"m?tokens_per_s={rate}&answer_tokens=200", "reads") as reader:
        number, shares = reader.row().id, list[float]()
        reader.sock.setblocking(False)
        while (row := (ledger := llm.ledger(since=number))[0]).ended_s is None:
            if row.tokens >= 100:
                due = int((ledger.now_s - row.started_s) * rate) + 1
                shares.append(row.tokens / due)
            until(lambda: drop_what_came(reader.sock))
    # the median: one late look on a busy machine says nothing about the pace
    assert statistics.median(shares) == pytest.approx(1, abs=0.02)
    assert row.last_progress_s is not None
    assert row.last_progress_s - row.started_s >= 199 / rate  # no token before its time


def drop_what_came(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(65536))
    except BlockingIOError:
        return False


def test_first_token_waits(llm: FakeLLM):
    with RawReader(llm, "m?first_token_s=0.5&tokens_per_s=1000", "reads") as reader:
        reader.read_answer()
        row = until(lambda: [r for r in [reader.row()] if r.ended_s])[0]
    assert row.last_progress_s is not None
    assert row.last_progress_s - row.started_s >= 0.5 + 29 / 1000


# -- many -----------------------------------------------------------------------------------------


async def test_hundreds_of_streams_lose_nothing(llm: FakeLLM):
    first = llm.totals()

    async def read(session: aiohttp.ClientSession, k: int) -> TokenOrder:
        order, scanner = TokenOrder(), TokenScanner()
        messages = [{"role": "user", "content": f"crowd {k}"}]
        body = {"model": "m?tokens_per_s=20&jitter=1", "messages": messages, "stream": True}
        async with session.post(f"{llm.base_url}/chat/completions", json=body) as response:
            async for data in response.content.iter_any():
                for number in scanner.feed(data):
                    order.note(number)
        return order

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        orders = await asyncio.gather(*(read(session, k) for k in range(300)))
    assert {(order.tokens, order.violation) for order in orders} == {(30, None)}
    rows = llm.ledger(since=first.streams)
    assert {row.prompt for row in rows} == {f"crowd {k}" for k in range(300)}
    assert {(row.tokens, row.ended_by) for row in rows} == {(30, "answer complete")}
    totals = llm.totals()
    assert (totals.streams, totals.open) == (first.streams + 300, 0)
    assert totals.tokens == first.tokens + 300 * 30
    assert totals.bytes - first.bytes == sum(row.bytes for row in rows)


def test_ledger_over_http_by_anyone(llm: FakeLLM):
    """What another program sees: names and units as the readers of the ledger expect them."""
    with RawReader(llm, "m", "x") as reader:
        reader.read_answer()
    with urllib.request.urlopen(f"http://127.0.0.1:{llm.port}/ledger") as response:
        report = json.load(response)
    names = " ".join(report["streams"][-1])
    assert names.startswith("id prompt model peer_port tokens bytes header_bytes buffered_bytes")
    assert {"now_s", "frozen", "totals", "streams"} == set(report)
