"""A proxy of our own: hoards, gathers, compresses and cuts as other people's do."""

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    HttpVersion10,
    HttpVersion11,
    TCPConnector,
    web,
)

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.sockets import connecting_socket, listening_socket

GATHERED_BYTES = 4096  # nginx's buffers: a page of memory each
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
GZIP = 31  # zlib's window bits for a gzip head around the data


class Relay:
    """Passes requests on to one server."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._url = f"http://127.0.0.1:{config['to_port']}"

    async def session(self, app: web.Application) -> AsyncIterator[None]:
        """Keep the client for as long as the app runs."""

        def make_socket(_: Any) -> socket.socket:
            return connecting_socket(self._config["rcvbuf"])

        async with ClientSession(
            connector=TCPConnector(socket_factory=make_socket, limit=0),
            version=HttpVersion10 if self._config["http"] == "1.0" else HttpVersion11,
            auto_decompress=False,
            read_bufsize=GATHERED_BYTES,
            timeout=None,  # type: ignore[arg-type]
        ) as self._session:
            yield

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Ask the server, and carry its answer, within the limits."""
        try:
            async with asyncio.timeout(self._config["whole_s"] or None):
                return await self._carry(request)
        except TimeoutError:
            status: type[web.HTTPError] = web.HTTPGatewayTimeout
        except ClientError:
            status = web.HTTPBadGateway
        if request.transport and request.get("begun"):
            request.transport.close()  # no last chunk: the reader can tell that it was cut
            raise asyncio.CancelledError
        raise status

    async def _carry(self, request: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(self._config["idle_s"]):
            answer = await self._session.request(
                request.method,
                self._url + request.path_qs,
                # over HTTP/1.0 an answer ends with its connection, which a server may keep open
                headers=_passed_on(request.headers) | {"Connection": "close"},
                data=await request.read(),
            )
        async with answer:
            response = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
            pack = zlib.compressobj(wbits=GZIP) if self._compresses(request, answer) else None
            if pack:
                response.headers["Content-Encoding"] = "gzip"
            writer = await response.prepare(request)
            request["begun"] = True
            assert writer
            async for piece in self._hoarded(answer):
                await response.write(pack.compress(piece) if pack else piece)
                await writer.drain()
            await response.write(pack.flush() if pack else b"")
        return response

    def _compresses(self, request: web.Request, answer: ClientResponse) -> bool:
        return (
            self._config["gzip"]
            and "gzip" in request.headers.get("Accept-Encoding", "")
            and "Content-Encoding" not in answer.headers
            and "no-transform" not in answer.headers.get("Cache-Control", "")
        )

    async def _hoarded(self, answer: ClientResponse) -> AsyncIterator[bytes]:
        """Yield what has come; with buffering the server never has to wait for who takes it."""
        buffers = self._config["buffering"] and answer.headers.get("X-Accel-Buffering") != "no"
        gathers = buffers and self._config["http"] == "1.0"
        hoard: asyncio.Queue[bytes] = asyncio.Queue(0 if buffers else 1)
        taking = asyncio.create_task(self._take(answer, hoard))
        lot = b""
        try:
            while piece := await hoard.get():
                lot += piece
                if not gathers or len(lot) >= GATHERED_BYTES:
                    yield lot
                    lot = b""
            await taking  # raises what has ended it
            yield lot
        finally:
            taking.cancel()

    async def _take(self, answer: ClientResponse, hoard: asyncio.Queue[bytes]) -> None:
        """Take what the server gives, and b"" at the end, however it ends."""
        try:
            while True:
                async with asyncio.timeout(self._config["idle_s"]):
                    piece = await answer.content.readany()
                if not piece:
                    return
                await hoard.put(piece)
        finally:
            await hoard.put(b"")


def _passed_on(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


async def main() -> None:
    inbox = messages()
    config = await anext(inbox)
    relay = Relay(config)
    app = web.Application()
    app.cleanup_ctx.append(relay.session)
    app.router.add_route("*", "/{path:.*}", relay.handle)

    async def small_buffer(request: web.Request, _: web.StreamResponse) -> None:
        if request.transport:
            request.transport.set_write_buffer_limits(high=0)

    app.on_response_prepare.append(small_buffer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    listener = listening_socket(sndbuf=config["sndbuf"])
    await web.SockSite(runner, listener).start()
    report({"port": listener.getsockname()[1], "name": "a relay of ours"})
    async for _ in inbox:
        pass
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
