"""The server's side of its connection to the LLM."""

import socket

from aiohttp import web
from httpx2 import AsyncHTTPTransport
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from servers import common
from servers.common import Handler, connections_to_llm, make_app


def app_of(handler: Handler, rcvbuf: int = 0) -> web.Application:
    """Serve a handler whose OpenAI client has `rcvbuf` bytes to receive into (see below)."""
    return make_app(handler, lambda: openai_client(rcvbuf))


def openai_client(rcvbuf: int = 0) -> AsyncOpenAI:
    """Make the SDK's client with `rcvbuf` bytes to receive the LLM into (0: the kernel's choice).

    Left alone the kernel lets that buffer grow to megabytes, and an LLM that is being held back
    goes on for minutes before it feels it.
    """
    if not rcvbuf:
        return common.openai_client()
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)]
    transport = AsyncHTTPTransport(socket_options=options, limits=connections_to_llm())
    return AsyncOpenAI(http_client=DefaultAsyncHttpxClient(transport=transport))
