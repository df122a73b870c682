"""The slow link: every byte, in order, no faster than it may, and each of them accounted for."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from servers import step1_broken, step2_fixed, step3_cancelling
from tests.mechanism import nothing_left, until
from tests.show_recordings import SETUP, a_run
from workshop_lib.experiment import SLOW_3G, Experiment, Throttle
from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.link import Link
from workshop_lib.pipe.sockets import connecting_socket, listening_socket
from workshop_lib.show import caption, describe
from workshop_lib.verdict import judge

FAST = Throttle(2_000_000, 0.0)
BODY = bytes(range(256)) * 2000  # 512 kB that tell where they have come from

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)


@contextmanager
def linked(
    throttle: Throttle, sndbuf: int = 0, rcvbuf: int = 0
) -> Iterator[tuple[socket.socket, socket.socket, Link]]:
    """Connect through a link; give the reader's socket and the server's."""
    with (
        listening_socket(sndbuf=sndbuf) as listener,
        Link(listener.getsockname()[1], throttle, sndbuf=sndbuf, rcvbuf=rcvbuf) as link,
    ):
        reader = connecting_socket(rcvbuf)
        reader.settimeout(60)
        reader.connect(("127.0.0.1", link.port))
        listener.settimeout(60)
        server, _ = listener.accept()
        with reader, server:
            yield reader, server, link


def received(reader: socket.socket, most: int) -> bytes:
    data = b""
    while len(data) < most and (piece := reader.recv(65536)):
        data += piece
    return data


def test_every_byte_arrives_in_order_and_so_does_the_end():
    with nothing_left(), linked(FAST) as (reader, server, _):
        sending = threading.Thread(target=lambda: (server.sendall(BODY), server.close()))
        sending.start()
        assert received(reader, len(BODY) + 1) == BODY
        assert reader.recv(1) == b""
        sending.join()


def test_a_question_and_its_end_go_the_other_way():
    with linked(FAST) as (reader, server, _):
        server.settimeout(60)
        reader.sendall(b"question")
        assert server.recv(100) == b"question"
        reader.shutdown(socket.SHUT_WR)
        assert server.recv(100) == b""
        server.sendall(b"answer")
        assert reader.recv(100) == b"answer"


def test_it_takes_from_the_server_what_a_link_of_its_kind_has_room_for():
    """A reader that reads nothing: what the server gets rid of is bounded, by buffers and link."""
    throttle = Throttle(100_000, 0.2)
    small = {"sndbuf": 4096, "rcvbuf": 4096}
    with linked(throttle, **small) as (_, server, link):
        given = fill(server)
        held = until(lambda: sum(wire.held_bytes for wire in link.wires().values()))
    assert 0 < held <= 100_000 * 0.1 + 2 * 1448
    assert given < held + 60_000


def refuses(sock: socket.socket) -> bool:
    """Tell whether a connection takes nothing any more."""
    try:
        sock.sendall(b"still there?")
    except ConnectionError:
        return True
    return False


def fill(sock: socket.socket) -> int:
    """Give a connection as much as it takes in 3 s."""
    sock.setblocking(False)
    given, end_s = 0, time.monotonic() + 3
    while time.monotonic() < end_s:
        try:
            given += sock.send(bytes(1000))
        except BlockingIOError:
            time.sleep(0.01)
    return given


def test_a_reset_on_either_side_ends_the_other():
    with linked(FAST) as (reader, server, _):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()
        assert reader.recv(1) == b""
    with linked(FAST) as (reader, server, _):
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        reader.close()
        until(lambda: refuses(server))


@pytest.mark.parametrize("figures", [(0, 1), (-1, 1), (1, -1)])
def test_a_link_that_cannot_be_is_refused_with_what_could(figures: tuple[float, float]):
    with pytest.raises(ValueError, match="Give more than 0 bytes, and 0 seconds or more"):
        Throttle(*figures)


LOAD: dict[str, Any] = {
    "readers": 5, "mix": {"steady": 5}, "tokens_per_s": 200, "seconds": 4, "time_lapse": 4,
    "link": SLOW_3G.times(4),
}  # fmt: skip


@pytest.fixture(scope="module")
def runs() -> dict[str, Recording]:
    """The same link: tokens as small as they are, and so large that it feels them."""
    with nothing_left():
        return {
            "small": Experiment(step2_fixed, **LOAD).run_blocking(),
            "fixed": Experiment(step2_fixed, token_bytes=4000, **LOAD).run_blocking(),
            "broken": Experiment(step1_broken, token_bytes=4000, **LOAD).run_blocking(),
        }


@sees_kernel
def test_a_stream_of_tokens_never_notices_slow_3g(runs: dict[str, Recording]):
    verdict = judge(runs["small"])
    assert verdict.outcome == "unclear"
    assert "kept up" in verdict.evidence
    end = runs["small"].samples[-1].group()
    under_way = 5 * 200 * 0.5  # a quarter of a second each way, and as much to spare
    assert end.produced_tokens - end.received_tokens <= under_way


@sees_kernel
def test_where_the_link_is_felt_the_llm_is_slowed_or_the_server_hoards(runs: dict[str, Recording]):
    assert str(judge(runs["fixed"])).startswith("bounded: the LLM was slowed to its readers' pace")
    assert judge(runs["broken"]).outcome == "growing"
    produced = {name: runs[name].samples[-1].group().produced_tokens for name in runs}
    assert produced["fixed"] < produced["broken"] / 2


@sees_kernel
def test_the_ledger_closes_over_the_link(runs: dict[str, Recording]):
    for run in runs.values():
        for stream in run.streams:
            assert stream.given_bytes and stream.write_buffer_bytes is not None
            assert stream.kernel_bytes is not None
            found = stream.write_buffer_bytes + stream.kernel_bytes + stream.link_bytes
            assert stream.given_bytes == found + stream.received_bytes
    assert all(stream.link_bytes > 10_000 for stream in runs["fixed"].streams)


@sees_kernel
def test_a_leave_crosses_the_link():
    leavers = LOAD | {"mix": {"leaver:10": 1}, "seconds": 3.0}
    run = Experiment(step3_cancelling, **leavers).run_blocking()
    assert judge_leaving(run).outcome == "stopped"


def test_the_link_is_in_the_caption_and_in_the_words():
    run = a_run()
    run.setup = {**SETUP, "link": {"bytes_per_s": 50_000, "round_trip_s": 2.0}}
    assert "A link of 50 kB/s for each reader, 2 s there and back." in caption(run.setup)
    last = run.samples[-1]
    stalled = replace(last.habits["stalled"], link_bytes=123_000)
    run.samples[-1] = replace(last, habits={**last.habits, "stalled": stalled})
    assert "64 kB in the kernel, 123 kB on the link; " in describe(run)


def test_behind_a_link_all_readers_are_slow():
    run = a_run()
    run.setup = {**SETUP, "link": {"bytes_per_s": 50_000, "round_trip_s": 2.0}}
    assert "healthy" not in describe(run)
