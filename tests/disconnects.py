"""Very many readers that leave, each at a moment of its own, from a seed."""

import asyncio
import random
import socket
import struct
from contextlib import suppress

import h11

from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.sockets import SMALL, connecting_socket

AT_ONCE = 40
LONGEST_STAY_S = 0.4
PIECE_BYTES = 64


async def disconnects(port: int, readers: int, seed: int) -> None:
    """Call and leave, `readers` times: in the request, before the head, mid-answer, unread."""
    rng, room = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_come_and_go(port, rng.randrange(2**32), room) for _ in range(readers)))


async def _come_and_go(port: int, seed: int, room: asyncio.Semaphore) -> None:
    rng, loop = random.Random(seed), asyncio.get_running_loop()
    call = Call("127.0.0.1", port, "127.0.0.1", "/chat")
    request = call.request(h11.Connection(h11.CLIENT), f"reader {seed}")
    whole = rng.random() < 0.9
    async with room:
        with connecting_socket(SMALL.reader_rcvbuf) as sock:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await loop.sock_sendall(sock, request if whole else request[: rng.randrange(1, 150)])
            stay_s = rng.uniform(0, LONGEST_STAY_S)
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(stay_s):
                    await _stay(sock, reads=rng.random() < 0.7)
            if rng.random() < 0.5:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _stay(sock: socket.socket, reads: bool) -> None:
    """Read in small pieces to the end of the answer, or nothing for ever."""
    loop = asyncio.get_running_loop()
    while reads and await loop.sock_recv(sock, PIECE_BYTES):
        pass
    await loop.create_future()
