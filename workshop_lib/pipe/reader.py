"""One reader in this process: an answer as the chunks that the socket gives, and as its events."""

import socket
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import ClientError, ClientSession, TCPConnector

from workshop_lib.pipe.sockets import connecting_socket
from workshop_lib.pipe.sse import SseParser


async def read_chunks(url: str, rcvbuf: int = 0) -> AsyncGenerator[bytes]:
    """Yield the body of an answer as it comes, in pieces cut anywhere.

    `rcvbuf` is asked of the kernel for the socket (bytes, 0: its own choice). Raises
    ConnectionError when the answer is refused, or breaks off in the middle.
    """

    def make_socket(_: Any) -> socket.socket:
        return connecting_socket(rcvbuf)

    try:
        async with (
            ClientSession(connector=TCPConnector(socket_factory=make_socket)) as session,
            session.post(url, json={"prompt": "Hello"}) as response,
        ):
            response.raise_for_status()
            async for chunk in response.content.iter_any():
                yield chunk
    except ClientError as problem:
        raise ConnectionError(f"the answer broke off: {type(problem).__name__}") from problem


async def read_events(url: str) -> AsyncGenerator[str]:
    """Yield the data of each event of an answer; raises as `read_chunks` does."""
    parser = SseParser()
    async for chunk in read_chunks(url):
        for event in parser.push(chunk):
            yield event.data
