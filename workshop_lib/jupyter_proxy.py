"""A way through Jupyter's own port to the workshop's servers, where no other can be reached.

Jupyter loads it (streaming_workshop.json says so) and serves BASE/workshop/PORT/... with it.
jupyter-server-proxy streams as well, but does not notice that its own reader has left: with it, the
LLM of lesson 04 went on to the last token after the page had been stopped.
"""
# pyright: reportUnusedFunction=false, reportUnknownMemberType=false

import asyncio
from contextlib import suppress
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientSession
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

PASSED_ON = ("Accept", "Content-Type")
PASSED_BACK = ("Content-Type", "Cache-Control")


class Proxy(JupyterHandler):
    """Hands a request on, and its answer back as it comes: a slow reader slows the server."""

    _passing: asyncio.Task[None] | None = None

    @property
    def content_security_policy(self) -> str:
        """Let a notebook of this origin show the page in a frame, which JupyterHub forbids all."""
        return "frame-ancestors 'self'"

    def check_xsrf_cookie(self) -> None:
        """Ask for no token of Jupyter's, which the page has not: `post` looks at the origin."""

    @web.authenticated
    async def get(self, port: str, path: str) -> None:
        await self._pass_or_leave(port, path)

    @web.authenticated
    async def post(self, port: str, path: str) -> None:
        if not self.check_origin():
            raise web.HTTPError(403)
        await self._pass_or_leave(port, path)

    def on_connection_close(self) -> None:
        """Leave the server when the reader has left us."""
        if self._passing:
            self._passing.cancel()

    async def _pass_or_leave(self, port: str, path: str) -> None:
        self._passing = asyncio.create_task(self._pass(port, path))
        with suppress(asyncio.CancelledError, StreamClosedError):  # the reader has left
            await self._passing

    async def _pass(self, port: str, path: str) -> None:
        url = f"http://127.0.0.1:{port}/{path}?{self.request.query}"
        body = self.request.body or None
        headers = _some(self.request.headers, PASSED_ON)
        try:
            async with (
                ClientSession() as session,
                session.request(
                    self.request.method or "GET", url, data=body, headers=headers
                ) as answer,
            ):
                self.set_status(answer.status, answer.reason)
                for name, value in _some(answer.headers, PASSED_BACK).items():
                    self.set_header(name, value)
                async for chunk in answer.content.iter_any():
                    self.write(chunk)
                    await self.flush()
        except ClientConnectorError:
            raise web.HTTPError(
                502, "Nobody answers there: run the cell of the page again."
            ) from None
        except ClientError:
            # what broke off must not look complete: tornado would end the body properly
            self.detach().close()


def _some(headers: Any, names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "workshop_lib.jupyter_proxy"}]


def _load_jupyter_server_extension(server: Any) -> None:
    address = url_path_join(server.web_app.settings["base_url"], r"/workshop/(\d+)/(.*)")
    server.web_app.add_handlers(".*$", [(address, Proxy)])
