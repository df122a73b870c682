"""The least a relay can do in Python: the LLM's bytes go out as they came in, unread.

It does not keep the workshop's contract: its readers get the LLM's own events.
"""

import os
from collections.abc import AsyncIterator

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from servers.common import prompt_of, start_stream
from tests.bench.peers import inherited_socket

SESSION = web.AppKey("session", ClientSession)


async def session(app: web.Application) -> AsyncIterator[None]:
    timeout, connector = ClientTimeout(total=None), TCPConnector(limit=0)
    async with ClientSession(timeout=timeout, connector=connector) as app[SESSION]:
        yield


async def chat(request: web.Request) -> web.StreamResponse:
    messages = [{"role": "user", "content": await prompt_of(request)}]
    asked = {"model": "fake-llm", "messages": messages, "stream": True}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    async with request.app[SESSION].post(url, json=asked) as upstream:
        response, writer = await start_stream(request)
        async for data in upstream.content.iter_any():
            await response.write(data)
            await writer.drain()
    return response


def main() -> None:
    app = web.Application()
    app.router.add_post("/chat", chat)
    app.cleanup_ctx.append(session)
    sock = inherited_socket()
    web.run_app(
        app, sock=sock, backlog=4096, print=None, shutdown_timeout=0.1, handler_cancellation=True
    )


if __name__ == "__main__":
    main()
