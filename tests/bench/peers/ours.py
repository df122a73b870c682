"""A server of the workshop: ours.py servers.step3_cancelling [HIGH_WATER RCVBUF].

With HIGH_WATER bytes as the mark above which `drain()` waits (else it is asyncio's 64 KiB), and
RCVBUF bytes of kernel memory to receive the LLM into (else as many megabytes as the kernel likes).
"""

import importlib
import sys

from aiohttp import web

from tests.bench.peers import inherited_socket
from workshop_lib.pipe.upstream import app_of


def main() -> None:
    module, *tight = sys.argv[1:]
    mark, rcvbuf = map(int, tight) if tight else (None, 0)
    server = importlib.import_module(module)
    app = app_of(server.chat, rcvbuf)
    if hasattr(server, "session"):
        app.cleanup_ctx.append(server.session)

    async def set_mark(request: web.Request, _: web.StreamResponse) -> None:
        assert request.transport
        request.transport.set_write_buffer_limits(high=mark)

    if mark is not None:
        app.on_response_prepare.append(set_mark)
    sock = inherited_socket()
    web.run_app(app, sock=sock, backlog=4096, print=None, shutdown_timeout=0.1)


if __name__ == "__main__":
    main()
