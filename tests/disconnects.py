"""Very many readers that leave, each at a moment of its own, from a seed."""

import asyncio
import random
import socket
import struct

import h11

from tests.mechanism import SAFETY_S
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.sockets import SMALL, connecting_socket

AT_ONCE = 40
LONGEST_STAY_S = 0.4
PIECE_BYTES = 256
MOST_BYTES = 4_000  # of the head and some ten tokens


async def disconnects(port: int, readers: int, seed: int) -> None:
    """Call and leave, `readers` times: in the request, before the head, mid-answer, unread.

    Who reads leaves after so many bytes, however slow the machine: most come as far as the LLM.
    """
    rng, room = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_come_and_go(port, rng.randrange(2**32), room) for _ in range(readers)))


async def _come_and_go(port: int, seed: int, room: asyncio.Semaphore) -> None:
    rng, loop = random.Random(seed), asyncio.get_running_loop()
    call = Call("127.0.0.1", port, "127.0.0.1", "/chat")
    request = call.request(h11.Connection(h11.CLIENT), f"reader {seed}")
    whole, reads = rng.random() < 0.9, rng.random() < 0.7
    async with room:
        with connecting_socket(SMALL.reader_rcvbuf) as sock:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await loop.sock_sendall(sock, request if whole else request[: rng.randrange(1, 150)])
            if whole and reads:
                await _read(sock, rng.randrange(1, MOST_BYTES))
            else:
                await asyncio.sleep(rng.uniform(0, LONGEST_STAY_S))
            if rng.random() < 0.5:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _read(sock: socket.socket, most_bytes: int) -> None:
    """Read so much of an answer in small pieces, or to its end."""
    loop, received = asyncio.get_running_loop(), b""
    try:
        async with asyncio.timeout(SAFETY_S):
            while len(received) < most_bytes and (piece := await loop.sock_recv(sock, PIECE_BYTES)):
                received += piece
    except TimeoutError:
        raise AssertionError(f"nothing comes any more after {received!r}") from None
