"""A reader's line receives what was asked for, when it may, and within the loop's own callback."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from workshop_lib.pipe.crowd.answer import NoAnswer
from workshop_lib.pipe.crowd.line import Gate, Line


@dataclass
class Ends:
    """Both ends of a connection; `ours` is read by a line."""

    server: socket.socket
    ours: socket.socket


@pytest.fixture
def ends() -> Iterator[Ends]:
    server, ours = socket.socketpair()
    ours.setblocking(False)
    with server, ours:
        yield Ends(server, ours)


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_it_asks_for_no_more_than_it_was_told_to(ends: Ends):
    came: list[bytes] = []
    wanted = iter([3, 2, 0])

    def take(data: bytes) -> int:
        came.append(data)
        return next(wanted)

    line = Line(ends.ours, Gate())
    ends.server.sendall(b"abcdefghij")
    await line.receive(4, take)
    assert came == [b"abcd", b"efg", b"hi"]
    assert line.wire_bytes == 9
    assert ends.ours.recv(10) == b"j"


async def test_whoever_is_cancelled_takes_nothing_more_in_the_same_turn(ends: Ends):
    loop, problems, came = asyncio.get_running_loop(), [], []
    loop.set_exception_handler(lambda _, context: problems.append(context))

    def take(data: bytes) -> int:
        came.append(data)
        return 100

    receiving = asyncio.create_task(Line(ends.ours, Gate()).receive(100, take))
    await turns()
    ends.server.sendall(b"late")
    loop.call_soon(receiving.cancel)  # runs just before the loop finds the socket readable
    await turns()
    assert (problems, came) == ([], [])
    assert ends.ours.recv(10) == b"late"


async def test_nothing_is_received_through_a_shut_gate_though_a_reader_waits(ends: Ends):
    gate, came = Gate(), []
    line = Line(ends.ours, gate)

    def take(data: bytes) -> int:
        came.append(data)
        return 100 if len(came) < 3 else 0

    receiving = asyncio.create_task(line.receive(100, take))
    ends.server.sendall(b"one")
    await turns()
    assert came == [b"one"]  # and now it waits for more
    gate.shut()
    ends.server.sendall(b"two")
    await turns()
    assert (came, line.wire_bytes) == ([b"one"], 3)
    gate.open()
    await turns()
    assert came == [b"one", b"two"]
    ends.server.close()
    await receiving
    assert came == [b"one", b"two", b""]


async def test_what_take_raises_ends_the_waiting(ends: Ends):
    line = Line(ends.ours, Gate())
    seen = 0

    def take(data: bytes) -> int:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise NoAnswer("that was no answer")
        return 100

    receiving = asyncio.create_task(line.receive(100, take))
    ends.server.sendall(b"one")
    await turns()
    ends.server.sendall(b"two" * 1000)  # so that there is more to tell of
    with pytest.raises(NoAnswer, match="that was no answer"):
        await receiving
    ends.server.sendall(b"three")
    await turns()
    assert seen == 2, "nobody is told of a socket that nobody waits for"


async def test_the_clock_stands_still_while_there_is_nothing_to_read(ends: Ends):
    line = Line(ends.ours, Gate())
    receiving = asyncio.create_task(line.receive(100, lambda data: 100 if data else 0))
    for word in (b"one", b"two"):  # the first comes to a task, the second to one that waits
        ends.server.sendall(word)
        await turns()
    assert line.wire_bytes == 6
    stood_s = line.clock.now_s
    await asyncio.sleep(0.05)
    assert line.clock.now_s == stood_s
    ends.server.close()
    await receiving
