"""The server's side of its connection to the LLM."""

import socket

from httpx2 import AsyncHTTPTransport
from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, DefaultAsyncHttpxClient


def openai_client(rcvbuf: int = 0) -> AsyncOpenAI:
    """Make the SDK's client with `rcvbuf` bytes to receive the LLM into (0: the kernel's choice).

    Left alone the kernel lets that buffer grow to megabytes, and an LLM that is being held back
    goes on for minutes before it feels it.
    """
    if not rcvbuf:
        return AsyncOpenAI()
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)]
    transport = AsyncHTTPTransport(socket_options=options, limits=DEFAULT_CONNECTION_LIMITS)
    return AsyncOpenAI(http_client=DefaultAsyncHttpxClient(transport=transport))
