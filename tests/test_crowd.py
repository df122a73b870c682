"""The crowd: its habits, what it counts, and what it says when an answer goes wrong."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import pytest
from aiohttp import web

from workshop_lib.pipe.crowd import (
    Crowd,
    Freezer,
    Leaver,
    ReaderRow,
    Returner,
    Sleeper,
    Stalled,
    Steady,
    Stopper,
)
from workshop_lib.pipe.crowd.habits import (
    BEAT_S,
    Habit,
    Leave,
    Read,
    Return,
    Seen,
    Stall,
    Stop,
    Wait,
)
from workshop_lib.pipe.crowd.mix import habit_of, habits_for, text_of
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import free_port
from workshop_lib.pipe.tokens import token_text

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def event(number: int) -> bytes:
    return f'data: {{"token": "{token_text(number)}"}}\n\n'.encode()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def answer_of(tokens: int) -> tuple[bytes, int]:
    """Return a whole chunked answer and the length of its body."""
    events = [*(event(number) for number in range(tokens)), b"data: [DONE]\n\n"]
    chunked = b"".join(chunk(one) for one in events)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked + b"0\r\n\r\n", sum(
        map(len, events)
    )


def ended(rows: list[ReaderRow]) -> bool:
    return all(row.state in ("done", "failed", "left") for row in rows)


def only(rows: list[ReaderRow]) -> ReaderRow:
    (row,) = rows
    return row


@dataclass
class RawServer:
    """Sends the same bytes to whoever calls, and keeps what it was asked."""

    url: str
    requests: list[bytes] = field(default_factory=list[bytes])
    farewells: list[str] = field(default_factory=list[str])


@contextmanager
def raw_server(answer: bytes, then: str = "close") -> Iterator[RawServer]:
    """Serve on a free port; after the answer close, reset or keep the connection, or watch it."""
    kept: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            server.requests.append(_whole_request(sock))
            sock.sendall(answer)
            if then == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if then == "watch":
                server.farewells.append(_farewell(sock))
            if then == "keep":
                kept.append(sock)
            else:
                sock.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for sock in kept:
            sock.close()


def _farewell(sock: socket.socket) -> str:
    """Wait for the reader to go, and say how it went."""
    try:
        return "close" if sock.recv(1) == b"" else "more"
    except ConnectionResetError:
        return "reset"


def _whole_request(sock: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += sock.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@dataclass
class Flood:
    """An app that streams tokens as fast as the socket takes them, and counts who is there."""

    token_bytes: int = 64
    tokens: int = 10**9
    readers: int = 0

    async def chat(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.readers += 1
        try:
            for number in range(self.tokens):
                text = token_text(number, self.token_bytes)
                await response.write(f'data: {{"token": "{text}"}}\n\n'.encode())
            await response.write(b"data: [DONE]\n\n")
        finally:
            self.readers -= 1
        return response

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/chat", self.chat)
        return app


def until(reached: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline_s, "not reached in time"
        time.sleep(0.02)


# --- habits, without a socket


@pytest.mark.parametrize("bytes_per_s", [3, 400, 12_345, 1_000_000])
@pytest.mark.parametrize("framing", [0.0, 0.2, 0.9])
def test_a_steady_reader_never_exceeds_its_schedule_and_never_falls_behind(
    bytes_per_s: int, framing: float
):
    seen = Seen()
    habit = Steady(bytes_per_s)
    beat_bytes = max(1.0, bytes_per_s * BEAT_S)
    for move in habit.moves(seen):
        if isinstance(move, Read):
            seen.body_bytes += max(1, int(move.max_bytes * (1 - framing)))
        elif isinstance(move, Wait):
            behind = bytes_per_s * seen.clock_s - seen.body_bytes
            assert behind + 1e-6 >= 0
            assert behind < beat_bytes + 1
            seen.clock_s += move.delay_s
        if seen.clock_s > 20:
            break
    assert seen.body_bytes == pytest.approx(20 * bytes_per_s, rel=0.05)


def test_a_steady_reader_that_was_late_catches_up_at_once():
    seen = Seen(clock_s=3.0)
    assert next(Steady(100).moves(seen)) == Read(300)


def test_the_other_habits_make_their_moves():
    seen = Seen()
    sleeper = Sleeper(512, 0.3).moves(seen)
    assert [next(sleeper) for _ in range(4)] == [Read(512), Wait(0.3), Read(512), Wait(0.3)]
    assert list(Stalled().moves(seen)) == [Stall()]
    assert list(Leaver(0, "reset").moves(seen)) == [Leave("reset")]
    stopper, returner = Stopper(0).moves(seen), Returner(0).moves(seen)
    assert [next(stopper), next(returner)] == [Stop(), Return()]
    assert isinstance(next(stopper), Read) and isinstance(next(returner), Read)
    freezer = Freezer(2, 0.7).moves(seen)
    assert isinstance(next(freezer), Read)
    seen.tokens = 2
    assert next(freezer) == Wait(0.7)
    assert isinstance(next(freezer), Read)


@pytest.mark.parametrize(
    ("text", "habit"),
    [
        ("steady", Steady()),
        ("steady:400", Steady(400)),
        ("steady:1234567.5", Steady(1234567.5)),
        ("sleeper:2048:0.5", Sleeper(2048, 0.5)),
        ("stalled", Stalled()),
        ("stalled:5", Stalled(5)),
        ("leaver:10:reset", Leaver(10, "reset")),
        ("leaver:3", Leaver(3)),
        ("leaver:3:close:1.5", Leaver(3, "close", 1.5)),
        ("stopper:4", Stopper(4)),
        ("returner:4", Returner(4)),
        ("freezer:7:2.5", Freezer(7, 2.5)),
    ],
)
def test_a_habit_is_read_from_text_and_written_back(text: str, habit: Habit):
    assert habit_of(text) == habit
    assert habit_of(text_of(habit)) == habit


@pytest.mark.parametrize(
    "text",
    ["lazy", "steady:fast", "steady:-1", "steady:nan", "leaver:3:quietly", "stalled:1:2", ""],
)
def test_a_text_that_is_no_habit_is_answered_with_what_is_possible(text: str):
    with pytest.raises(ValueError, match=r"Possible are steady, .*freezer:10:2"):
        habit_of(text)


@pytest.mark.parametrize(
    ("readers", "mix", "expected"),
    [
        (25, {"stalled": 0.8, "steady": 0.2}, {"stalled": 20, "steady": 5}),
        (25, {"stalled": 20, Steady(400): 5}, {"stalled": 20, "steady:400": 5}),
        (10, {"steady": 1 / 3, "stalled": 1 / 3, "sleeper": 1 / 3}, None),
        (3, {"stalled": 0.5, "steady": 0.5}, None),
        (
            10,
            {"steady": 0.25, "stalled": 0.57, "sleeper": 0.18},
            {"steady": 2, "stalled": 6, "sleeper": 2},
        ),
        (7, {"stalled": 1}, {"stalled": 7}),
        (4, "stalled:5", {"stalled:5": 4}),
        (4, Leaver(2), {"leaver:2": 4}),
    ],
)
def test_a_mix_is_given_out_by_share_or_count(readers, mix, expected):
    habits = [text_of(habit) for habit in habits_for(readers, mix, seed=1)]
    assert len(habits) == readers
    counts = {text: habits.count(text) for text in habits}
    if expected:
        assert counts == expected
    else:
        assert max(counts.values()) - min(counts.values()) == 1


def test_the_seed_decides_who_has_which_habit():
    def mixed(seed: int) -> list[str]:
        mix = {"stalled": 0.5, "steady": 0.5}
        return [text_of(habit) for habit in habits_for(20, mix, seed)]

    assert mixed(1) == mixed(1)
    assert mixed(1) != mixed(2)


@pytest.mark.parametrize(
    "mix",
    [{"stalled": 0.5, "steady": 0.2}, {"stalled": 9, "steady": 2}, {"steady": -1, "stalled": 2}],
)
def test_a_mix_that_does_not_add_up_is_refused_with_a_sentence(mix):
    with pytest.raises(ValueError, match=r"10 readers. Give shares that add up to 1, or numbers"):
        Crowd("http://127.0.0.1:1/chat", 10, mix)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:8000/chat", "no address that a crowd can read"),
        ("https://127.0.0.1/chat", "https:// is not read here"),
        ("http://127.0.0.1:port/chat", "is no address"),
        ("http://no-such-host.invalid/chat", "Correct the name"),
    ],
)
def test_a_bad_address_is_refused_with_a_sentence(url: str, said: str):
    with pytest.raises(ValueError, match=said):
        Crowd(url)


def test_headers_that_cannot_be_sent_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match="Correct its method, path or headers"):
        Crowd("http://127.0.0.1:1/chat", headers={"X-Name": "two\nlines"})


# --- readers on real sockets


def test_every_byte_is_counted_exactly():
    answer, body_bytes = answer_of(tokens=200)
    mix = {"steady": 0.2, "sleeper:500:0.01": 0.2, "steady:20000": 0.2, "freezer:9:0.1": 0.4}
    with raw_server(answer) as server, Crowd(f"{server.url}/chat", 10, mix, rcvbuf=4096) as crowd:
        rows = crowd.wait_until(ended)
    for row in rows:
        assert (row.state, row.status, row.error) == ("done", 200, None)
        assert (row.wire_bytes, row.body_bytes) == (len(answer), body_bytes)
        assert (row.tokens, row.highest_token, row.in_order) == (200, 199, True)
        assert row.complete
        assert row.started_s is not None
        assert row.first_token_s is not None
        assert row.started_s < row.first_token_s
    assert len({row.local_port for row in rows}) == 10


@pytest.mark.parametrize("tokens", [0, 1, 5, 33])
def test_a_stalled_reader_takes_nothing_beyond_its_tokens(tokens: int):
    answer, _ = answer_of(tokens=300)
    with raw_server(answer, "keep") as server, Crowd(server.url, 1, Stalled(tokens)) as crowd:
        crowd.wait_until(lambda rows: rows[0].state == "stalled")
        row = only(crowd.refresh().rows)
    assert row.tokens == tokens
    up_to_last_token, _ = answer_of(tokens)
    head_bytes = answer.index(b"\r\n\r\n") + 4
    if tokens == 0:
        assert row.wire_bytes == head_bytes
    assert row.wire_bytes < len(up_to_last_token)
    assert (row.complete, row.error) == (False, None)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_leaver_leaves_after_its_tokens_and_the_server_sees_it(how):
    flood = Flood()
    with (
        ServerThread(flood.app) as server,
        Crowd(f"{server.url}/chat", 5, Leaver(10, how)) as crowd,
    ):
        rows = crowd.wait_until(ended)
        until(lambda: flood.readers == 0)
    assert {(row.state, row.tokens, row.complete) for row in rows} == {("left", 10, False)}


def test_a_leaver_may_stop_reading_for_a_while_before_it_leaves():
    assert list(Leaver(0, "close", 1.5).moves(Seen())) == [Wait(1.5), Leave("close")]
    assert list(Leaver(0).moves(Seen())) == [Leave("close")]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_leaver_that_has_read_all_leaves_as_it_was_told(how):
    # plain text, so that not one byte lies unread: with unread bytes every close is a reset
    answer = HEAD + b"\r\n" + "".join(token_text(number) for number in range(10)).encode()
    with raw_server(answer, "watch") as server, Crowd(server.url, 1, Leaver(10, how)) as crowd:
        row = only(crowd.wait_until(ended))
        until(lambda: len(server.farewells) == 1)
    assert (row.state, row.wire_bytes) == ("left", len(answer))
    assert server.farewells == [how]


@pytest.mark.parametrize("processes", [1, 3])
def test_a_frozen_crowd_reads_nothing_and_its_rows_stand_still(processes: int):
    flood = Flood()
    mix = {"steady": 0.4, "sleeper:4096:0.01": 0.3, "steady:50000": 0.3}
    with (
        ServerThread(flood.app, sndbuf=4096) as server,
        Crowd(f"{server.url}/chat", 10, mix, rcvbuf=4096, ramp_s=0.2, processes=processes) as crowd,
    ):
        crowd.wait_until(lambda rows: all(row.tokens > 100 for row in rows))
        crowd.freeze()
        frozen = crowd.rows()
        time.sleep(0.5)
        assert [_counters(row) for row in crowd.refresh().rows] == list(map(_counters, frozen))
        crowd.thaw()
        crowd.wait_until(
            lambda rows: all(
                now.tokens > then.tokens + 100 for now, then in zip(rows, frozen, strict=True)
            )
        )
        assert all(row.in_order is True for row in crowd.rows())


def test_a_crowd_frozen_before_it_begins_asks_for_nothing():
    answer, _ = answer_of(3)
    with raw_server(answer) as server, Crowd(server.url, 8, ramp_s=0.3) as crowd:
        crowd.freeze()
        asked = len(server.requests)
        time.sleep(0.5)
        assert len(server.requests) == asked < 8
        crowd.thaw()
        assert all(row.complete for row in crowd.wait_until(ended))


def _counters(row: ReaderRow) -> tuple[int, int, int]:
    return row.wire_bytes, row.body_bytes, row.tokens


@pytest.mark.parametrize("bytes_per_s", [400, 30_000])
def test_a_steady_rate_is_kept_within_five_percent(bytes_per_s: int):
    """A wrong rate stays wrong however long it is watched; a late wake-up weighs less and less."""
    flood = Flood()
    with (
        ServerThread(flood.app, sndbuf=16384) as server,
        Crowd(f"{server.url}/chat", 20, Steady(bytes_per_s), rcvbuf=16384) as crowd,
    ):
        crowd.wait_until(lambda rows: all(row.status for row in rows))
        began = crowd.refresh()

        def rate_kept() -> bool:
            now = crowd.refresh()
            expected_bytes = bytes_per_s * (now.now_s - began.now_s)
            read = zip(now.rows, began.rows, strict=True)
            return now.now_s - began.now_s > 2 and all(
                0.95 < (row.body_bytes - then.body_bytes) / expected_bytes < 1.05
                for row, then in read
            )

        until(rate_kept)
        for row in crowd.rows():
            assert row.due_bytes is not None
            assert 0.95 * row.due_bytes <= row.body_bytes <= row.due_bytes


def test_a_steady_schedule_does_not_save_up_while_there_is_nothing_to_read():
    with (
        raw_server(HEAD + b"\r\n" + event(0), "keep") as server,
        Crowd(server.url, 1, Steady(1000)) as crowd,
    ):
        crowd.wait_until(lambda rows: rows[0].tokens == 1)
        time.sleep(0.5)
        row = only(crowd.refresh().rows)
    assert row.due_bytes is not None
    assert row.due_bytes < 250, "half a second of silence must not become a burst of 500 bytes"


def test_the_request_has_the_shape_that_was_asked_for():
    answer, _ = answer_of(1)
    with (
        raw_server(answer) as server,
        Crowd(
            f"{server.url}/v1/talk?to={{prompt}}",
            3,
            prompt='say "hi" to reader {k}',
            method="PUT",
            headers={"Accept": "application/x-ndjson", "X-Key": "k"},
            body='{"messages": [{"role": "user", "content": "{prompt}"}]}',
        ) as crowd,
    ):
        rows = crowd.wait_until(ended)
    requests = {_prompt(request): request for request in server.requests}
    assert set(requests) == {f'say "hi" to reader {k}' for k in range(3)}
    assert [row.prompt for row in rows] == sorted(requests)
    request = requests['say "hi" to reader 2']
    assert request.startswith(b"PUT /v1/talk?to=say%20%22hi%22%20to%20reader%202 HTTP/1.1\r\n")
    assert b"application/x-ndjson" in request
    assert b"X-Key: k" in request
    assert b"text/event-stream" not in request


def _prompt(request: bytes) -> str:
    return json.loads(request.partition(b"\r\n\r\n")[2])["messages"][0]["content"]


@pytest.mark.parametrize(
    ("body", "end_mark"),
    [
        (
            b"".join(b'{"t": "%s"}\n' % token_text(n).encode() for n in range(50)) + b'{"end":1}',
            '"end"',
        ),
        ("".join(token_text(n, multibyte=True) for n in range(50)).encode() + b"[DONE]", "[DONE]"),
        (b"".join(event(n).replace(b"\n", b"\r\n") for n in range(50)) + b"data:[DONE]", "[DONE]"),
    ],
)
def test_any_framing_is_read_up_to_the_end_of_the_connection(body: bytes, end_mark: str):
    answer = b"HTTP/1.0 200 OK\n\n" + body
    with (
        raw_server(answer) as server,
        Crowd(server.url, 1, "leaver:9999", end_mark=end_mark) as crowd,
    ):
        row = only(crowd.wait_until(ended))
    assert (row.state, row.tokens, row.in_order, row.complete) == ("done", 50, True, True)
    assert (row.wire_bytes, row.body_bytes) == (len(answer), len(body))


def test_informational_answers_before_the_real_one_are_passed_over():
    answer, _ = answer_of(4)
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with raw_server(early + answer) as server, Crowd(server.url, 1) as crowd:
        row = only(crowd.wait_until(ended))
    assert (row.status, row.tokens, row.wire_bytes) == (200, 4, len(early + answer))


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ERROR = b'data: {"error": {"code": "upstream", "message": "it broke"}}\n\n'
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 40\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "then", "error"),
    [
        (CHUNKED + chunk(event(0)) + chunk(ERROR) + b"0\r\n\r\n", "close", "upstream: it broke"),
        (CHUNKED + chunk(event(0)), "close", "closed the connection in the middle of its answer"),
        (b"", "close", "closed the connection without an answer"),
        (HEAD, "close", "closed the connection without an answer"),
        (b"hello?\r\n\r\n", "keep", "is not HTTP"),
        (CHUNKED + b"zz\r\n", "keep", "is not HTTP"),
        (b"", "reset", "connection reset by the server"),
        (
            TOO_MANY + b'{"error": {"message": "slow down, pal"}}',
            "keep",
            "HTTP 429: slow down, pal",
        ),
    ],
)
def test_what_went_wrong_is_told_in_words(answer: bytes, then: str, error: str):
    with raw_server(answer, then) as server, Crowd(server.url, 1) as crowd:
        row = only(crowd.wait_until(ended))
    assert row.state == "failed"
    assert error in (row.error or "")
    assert not row.complete
    assert row.wire_bytes == len(answer)


def test_an_error_status_is_read_whole_even_by_a_reader_that_would_stall():
    answer = TOO_MANY + b'{"error": {"message": "slow down, pal"}}'
    with raw_server(answer) as server, Crowd(server.url, 1, "stalled") as crowd:
        row = only(crowd.wait_until(ended))
    assert (row.status, row.error) == (429, "HTTP 429: slow down, pal")


def test_a_stalled_reader_notices_a_reset_without_reading():
    answer, _ = answer_of(100)
    with raw_server(answer, "reset") as server, Crowd(server.url, 1, "stalled") as crowd:
        row = only(crowd.wait_until(ended))
    assert row.error == "connection reset by the server"


def test_the_first_token_out_of_order_is_told():
    body = event(0) + event(1) + event(1) + event(7)
    with raw_server(HEAD + b"\r\n" + body) as server, Crowd(server.url, 1) as crowd:
        row = only(crowd.wait_until(ended))
    assert (row.in_order, row.tokens, row.highest_token) == ("token 1 came twice", 4, 7)
    assert (row.state, row.complete) == ("done", False)


def test_a_port_where_nobody_listens_is_told_with_what_to_do():
    port = free_port()
    with Crowd(f"http://127.0.0.1:{port}/chat", 2) as crowd:
        rows = crowd.wait_until(ended)
    for row in rows:
        assert row.state == "failed"
        assert row.error is not None
        assert f"nobody listens on 127.0.0.1:{port}: start the server" in row.error


# --- the process


def test_hundreds_of_readers_all_get_their_answers():
    flood = Flood(tokens=20)
    with (
        ServerThread(flood.app) as server,
        Crowd(f"{server.url}/chat", 400, {"steady": 0.5, "steady:4000": 0.5}) as crowd,
    ):
        rows = crowd.wait_until(ended)
    assert {(row.state, row.tokens, row.complete) for row in rows} == {("done", 20, True)}
    assert [row.reader for row in rows] == list(range(400))


def test_the_granted_buffer_is_reported():
    with (
        Crowd("http://127.0.0.1:1", 1, rcvbuf=4096) as small,
        Crowd("http://127.0.0.1:1", 1) as own,
    ):
        assert 4096 <= small.granted_bytes <= 16384 < own.granted_bytes


def test_stopping_leaves_no_process_thread_or_connection_and_keeps_the_rows():
    flood = Flood()
    threads = set(threading.enumerate())
    with ServerThread(flood.app, sndbuf=4096) as server:
        crowd = Crowd(f"{server.url}/chat", 12, {"stalled:3": 8, "steady": 4}, rcvbuf=4096).start()
        crowd.wait_until(lambda rows: all(row.tokens >= 3 for row in rows))
        assert flood.readers == 12
        crowd.stop()
        crowd.stop()
        until(lambda: flood.readers == 0)
    assert not any(psutil.pid_exists(pid) for pid in crowd.pids)
    assert set(threading.enumerate()) == threads
    assert sum(row.state == "stalled" and row.tokens == 3 for row in crowd.rows()) == 8
    with pytest.raises(RuntimeError, match="Start a new Crowd"):
        crowd.freeze()


def test_a_crowd_that_does_not_get_there_says_where_its_readers_are():
    answer, _ = answer_of(1)
    with raw_server(answer, "keep") as server, Crowd(server.url, 2, "stalled") as crowd:
        crowd.wait_until(lambda rows: all(row.state == "stalled" for row in rows))
        with pytest.raises(TimeoutError, match="2 stalled"):
            crowd.wait_until(ended, timeout_s=0.1)
