"""One reader under gevent: what it tells of answers that come, stall, fail, and are left."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from tests.system_parts import in_ci
from workshop_lib.pipe.crowd.mix import habit_of
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import free_port, listening_socket

if not in_ci():
    pytest.importorskip("gevent", reason="no Locust: run `python3 .ci/install.py load`")

import gevent

from servers import step6_resumable
from tests.mechanism import nothing_left
from tests.production import serving
from workshop_lib.doctor.hosts import NotAllowed
from workshop_lib.load.figures import Figures
from workshop_lib.load.mix import dealt, shares_of
from workshop_lib.load.plan import Plan
from workshop_lib.load.reader import Reader

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
OPTIONS = {
    "path": "/chat", "method": "POST", "preset": "prompt", "body": "", "prompt": "{k}",
    "mix": "steady", "count": "events", "end_mark": "[DONE]", "stall_s": 0.2, "patience_s": 5.0,
    "pause_s": 0.0, "rcvbuf": 0, "header": None,
}  # fmt: skip
Told = list[tuple[str, float | None, int, str | None]]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def token(number: int) -> bytes:
    return chunk(b'data: {"token": "#%d.. "}\n\n' % number)


RESET = struct.pack("ii", 1, 0)
DONE = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


@contextmanager
def answering(*pieces: bytes | float) -> Iterator[str]:
    """Answer one reader with these bytes, waiting (s) between them, and close; yields the URL."""
    sock = listening_socket()
    sock.setblocking(True)

    def answer() -> None:
        connection, _ = sock.accept()
        with connection:
            connection.recv(65536)
            for piece in pieces:
                if piece == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                elif isinstance(piece, bytes):
                    connection.sendall(piece)
                else:
                    over.wait(piece)

    over, thread = threading.Event(), threading.Thread(target=answer)
    with nothing_left(), closing(sock):
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def reader(url: str, told: Told, habit: str = "steady", **options: object) -> Reader:
    plan = Plan.of(url, OPTIONS | options, ())
    figures = Figures(lambda *figure: told.append(figure), plan.stall_s)
    return Reader(plan, habit_of(habit), "hello", figures)


def told_by(url: str, habit: str = "steady", **options: object) -> Told:
    told: Told = []
    reader(url, told, habit, **options).run()
    return told


def names(told: Told) -> list[str]:
    return [figure for figure, *_ in told]


def problem(told: Told) -> str | None:
    assert names(told)[-1] == "answer"
    return told[-1][3]


def test_a_whole_answer():
    pieces = [HEAD, token(0) + token(1), 0.05, token(2), 0.05, DONE]
    with answering(*pieces) as url:
        told = told_by(url)
    assert names(told) == ["head", "first token", "token", "token", "token", "answer"]
    assert problem(told) is None
    assert [size for figure, _, size, _ in told if figure != "answer"] == [
        len(HEAD), 0, len(token(0) + token(1)), 0, len(token(2)),
    ]  # fmt: skip
    assert told[-1][2] == sum(len(piece) for piece in pieces if isinstance(piece, bytes))


def test_a_token_in_pieces_counts_when_its_event_is_whole():
    with answering(HEAD, token(0)[:12], 0.05, token(0)[12:], DONE) as url:
        assert names(told_by(url)).count("token") == 1


@pytest.mark.parametrize(
    ("pieces", "count", "expected"),
    [
        ([HEAD, token(0)], "events", "cut: the server closed the connection in the middle"),
        ([HEAD, token(0), b"0\r\n\r\n"], "events", "cut: it ended without [DONE]"),
        ([HEAD, chunk(b'data: {"error": {"code": "no", "message": "more"}}\n\n'), DONE], "events",
         "error: no: more"),
        ([b'HTTP/1.1 503 Busy\r\nContent-Length: 17\r\n\r\n{"error": "full"}'], "events",
         "refused: HTTP 503: full"),
        ([b"220 mail.example\r\n\r\n"], "events", "cut: the server's answer is not HTTP"),
        ([HEAD, token(0), token(0), DONE], "numbers", "out of order: token 0 came twice"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_said(pieces: Sequence[bytes], count: str, expected: str):
    with answering(*pieces) as url:
        assert (problem(told_by(url, count=count)) or "").startswith(expected)


@pytest.mark.parametrize("keep_alive", [[], [0.1, chunk(b": ping\n\n")] * 3])
def test_an_answer_without_tokens_is_given_up_whatever_heartbeats_say(keep_alive: list[bytes]):
    with answering(HEAD, token(0), *keep_alive, 10.0) as url:
        told = told_by(url, patience_s=0.25)
    assert problem(told) == "given up: no token for 0.25 s"
    assert names(told).count("stall") == 1  # it has not ended, and yet it counts


def test_nobody_listens():
    assert problem(told_by(f"http://127.0.0.1:{free_port()}")) == (
        "not connected: nobody listens there"
    )


def test_a_long_gap_is_a_stall():
    with answering(HEAD, token(0), 0.4, token(1), DONE) as url:
        told = told_by(url)
    gaps_ms = [time_ms for figure, time_ms, *_ in told if figure in ("stall", "token")]
    assert names(told).count("stall") == 1
    assert [gap is None or gap > 200 for gap in gaps_ms] == [True] * 3


def test_a_gap_that_the_reader_made_is_none():
    with answering(HEAD, token(0), token(1), DONE) as url:
        told = told_by(url, "freezer:1:0.4")
    assert [time_ms for figure, time_ms, *_ in told if figure == "token"] == [None, None]
    assert "stall" not in names(told)


def test_whoever_leaves_has_no_problem():
    with answering(HEAD, token(0), token(1), 10.0) as url:
        told = told_by(url, "leaver:2:reset")
    assert (names(told).count("token"), problem(told)) == (2, None)


@pytest.mark.parametrize(("habit", "whole"), [("returner:50", True), ("stopper:50", False)])
def test_a_named_answer_is_read_on_or_stopped(habit: str, whole: bool):
    with (
        FakeLLM() as llm,
        serving(llm, step=step6_resumable, tokens_per_s=500, answer_tokens=400) as server,
    ):
        told = told_by(server.url, habit, count="numbers")
        produced = llm.totals().tokens
    assert problem(told) is None
    assert (names(told).count("token") == produced == 400) is whole
    assert names(told).count("head") == (2 if whole else 1)


def test_a_stalled_reader_learns_of_a_reset_without_reading():
    with answering(HEAD, token(0), 0.2, RESET) as url:
        told = told_by(url, "stalled:1")
    assert problem(told) == "cut: connection reset by the server"


def test_one_that_is_killed_tells_how_far_it_has_come():
    told: Told = []
    with answering(HEAD, token(0), 10.0) as url:
        running = gevent.spawn(reader(url, told).run)
        gevent.sleep(0.4)
        running.kill()
    assert names(told) == ["head", "first token", "token", "stall", "open"]
    assert told[-1][2] == len(HEAD + token(0))


def test_the_receive_buffer_is_set_before_it_connects():
    reading = reader(f"http://127.0.0.1:{free_port()}", [], rcvbuf=4096)
    size = reading._line._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    reading._line.close()
    assert 4096 <= size <= 8192


def test_habits_are_dealt_by_their_shares_at_any_moment():
    dealing = dealt(shares_of("steady=0.7, stalled:20=0.2, leaver:1=0.1"))
    given = [next(dealing) for _ in range(40)]
    assert (given[:10].count("steady"), given[:10].count("stalled:20")) == (7, 2)
    assert (given.count("stalled:20"), given.count("leaver:1")) == (8, 4)
    for number in range(1, 41):
        assert abs(given[:number].count("steady") - 0.7 * number) <= 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mix": "idle"}, "'idle' is no habit"),
        ({"mix": "steady=-1"}, "gives a habit no share above 0"),
        ({"count": "words"}, "--count cannot be 'words'. Use one of events, numbers."),
        ({"preset": "x"}, "--preset cannot be 'x'."),
        ({"stall_s": "soon"}, "--stall-s cannot be 'soon'. Give it a number, 0 or more."),
        ({"rcvbuf": -1}, "--rcvbuf cannot be -1."),
        ({"header": ["X-User"]}, "'X-User' is no header."),
        ({"path": "/a b"}, "Correct its method, path or headers."),
    ],
)
def test_bad_options_are_sentences(options: dict[str, object], expected: str):
    with pytest.raises(ValueError, match=r"\.$") as told:
        Plan.of("http://127.0.0.1:9", OPTIONS | options, ())
    assert expected in str(told.value)


@pytest.mark.parametrize("url", ["http://192.0.2.1", "https://localhost:8000", "localhost:8000"])
def test_only_what_is_local_or_allowed_is_loaded(url: str):
    with pytest.raises(NotAllowed, match=r"\.$"):
        Plan.of(url, OPTIONS, ())
    assert Plan.of("http://192.0.2.1", OPTIONS, ["192.0.2.1"]).call.host == "192.0.2.1"
