"""Socket buffers are what was asked for, at both ends, before the connection is made."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.mechanism import connections
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import connecting_socket, free_port, granted, listening_socket
from workshop_lib.pipe.upstream import openai_client


@contextmanager
def pair(sndbuf: int, rcvbuf: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Connect a reader with `rcvbuf` to a server with `sndbuf`; yield the two ends."""
    with listening_socket(sndbuf=sndbuf) as listener, connecting_socket(rcvbuf) as reader:
        listener.setblocking(True)
        reader.settimeout(10)
        reader.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            accepted.setblocking(False)
            yield accepted, reader


def swallowed(sock: socket.socket) -> int:
    """Send until the kernel takes no more; return how much it took of a reader that sleeps."""
    sent = 0
    try:
        while True:
            sent += sock.send(bytes(1024))
    except BlockingIOError:
        return sent


@pytest.mark.parametrize("sndbuf", [4096, 65536])
def test_an_accepted_connection_inherits_the_send_buffer(sndbuf: int):
    with listening_socket(sndbuf=sndbuf) as listener:
        asked = granted(listener).send_bytes
    with pair(sndbuf, 0) as (accepted, _):
        assert granted(accepted).send_bytes == asked >= sndbuf


def test_the_reader_has_its_receive_buffer_before_it_connects():
    for rcvbuf in (4096, 65536):
        with connecting_socket(rcvbuf) as reader:
            before = granted(reader).receive_bytes
        with pair(0, rcvbuf) as (_, reader):
            assert granted(reader).receive_bytes == before >= rcvbuf


def test_small_buffers_take_a_hundredth_of_what_the_kernel_takes_of_its_own():
    with pair(4096, 4096) as (accepted, _):
        small = swallowed(accepted)
    with pair(0, 0) as (accepted, _):
        own = swallowed(accepted)
    assert 0 < small * 10 < own


def test_zero_leaves_a_socket_to_the_kernel():
    with socket.socket() as untouched, connecting_socket() as reader, listening_socket() as server:
        assert granted(reader) == granted(server) == granted(untouched)


def test_a_taken_port_is_a_sentence_and_no_socket():
    with listening_socket() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port} .*take port 0"):
            listening_socket(port=port)  # a socket left open would be a ResourceWarning: an error


def test_a_free_port_is_free_at_once():
    port = free_port()
    with listening_socket(port=port) as sock:
        assert sock.getsockname() == ("127.0.0.1", port)


async def test_the_sdk_connects_with_the_receive_buffer_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
):
    with FakeLLM() as llm, connecting_socket(16384) as like:
        for name, value in llm.env.items():
            monkeypatch.setenv(name, value)
        async with openai_client(16384) as chosen, openai_client() as kernels_own:
            for client, as_asked in ((chosen, True), (kernels_own, False)):
                stream = await client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "hello"}], stream=True
                )
                size = receive_buffer(llm.ledger()[-1].peer_port)
                assert (size == granted(like).receive_bytes) == as_asked
                await stream.close()


def receive_buffer(local_port: int) -> int:
    """Ask the kernel about this process's connection from `local_port`."""
    (held,) = connections(local_port)
    with socket.socket(fileno=os.dup(held.fd)) as sock:
        return granted(sock).receive_bytes
