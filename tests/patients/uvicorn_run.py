"""Serve an ASGI app as its documentation tells."""

from typing import Any

import uvicorn

from tests.patients.relay import PORT


def run(app: Any) -> None:
    uvicorn.run(app, port=PORT, access_log=False, log_level="warning", timeout_graceful_shutdown=1)
