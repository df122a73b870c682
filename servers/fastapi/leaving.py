"""A reader that leaves while FastAPI waits for it is no error, and no traceback in the log."""

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send


class QuietLeaving:
    """Drop what FastAPI's event stream raises when it is closed while it waits to send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except* anyio.BrokenResourceError:
            pass
