"""One of our servers in a process of its own, with its buffers set and its transports in view.

Its memory is the server's alone, from a fresh start: what an earlier run left in the notebook's
process cannot hide in it.
"""

import asyncio
import importlib
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

from workshop_lib.pipe.child import Child, Message, messages, report
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import Granted
from workshop_lib.pipe.upstream import app_of

REPORT_EVERY_S = 0.1


class AppProcess:
    """Run the handler `chat` of a module, such as `servers.step1_broken`, as ServerThread would.

    Bytes as in ServerThread; `rcvbuf` is for its connections to the LLM. Entering it raises
    RuntimeError with the process's last words when the app does not start.
    """

    def __init__(
        self,
        module: str,
        *,
        env: Mapping[str, str] | None = None,
        sndbuf: int = 0,
        rcvbuf: int = 0,
        high_water_bytes: int | None = None,
    ) -> None:
        self._config = {
            "module": module,
            "rcvbuf": rcvbuf,
            "thread": {
                "env": dict(env or {}),
                "sndbuf": sndbuf,
                "high_water_bytes": high_water_bytes,
            },
        }
        self.errors: list[str] = []
        self._write_buffers: dict[int, int] = {}
        self._given_bytes: dict[int, int] = {}

    @property
    def url(self) -> str:
        """The address of the server, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def write_buffers(self) -> dict[int, int] | None:
        """Return the bytes in each connection's write buffer, by the reader's port."""
        return self._write_buffers

    def given_bytes(self) -> dict[int, int] | None:
        """Return the bytes given to each connection, heads included, by the reader's port."""
        return self._given_bytes

    def __enter__(self) -> Self:
        self._child = Child(__name__, self._config, self._on_report, fresh=True)
        self.pid = self._child.pid
        self.port: int = self._child.ready["port"]
        self.granted: Granted | None = Granted(**self._child.ready["granted"])
        return self

    def __exit__(self, *problem: object) -> None:
        self._child.stop()

    def _on_report(self, message: Message) -> None:
        self._write_buffers = _by_port(message["write_buffers"])
        self._given_bytes = _by_port(message["given_bytes"])
        self.errors = message["errors"]


async def serve_parent() -> None:
    """In the process: serve, and report, for as long as the parent lives."""
    inbox = messages()
    config: dict[str, Any] = await anext(inbox)
    handler = importlib.import_module(config["module"]).chat
    with ServerThread(lambda: app_of(handler, config["rcvbuf"]), **config["thread"]) as server:
        assert server.granted
        report({"port": server.port, "granted": asdict(server.granted)})
        reporting = asyncio.create_task(_keep_reporting(server))
        async for _ in inbox:
            pass
        reporting.cancel()
    report(_seen_of(server) | {"write_buffers": {}})


async def _keep_reporting(server: ServerThread) -> None:
    while True:
        report(_seen_of(server))
        await asyncio.sleep(REPORT_EVERY_S)


def _seen_of(server: ServerThread) -> Message:
    return {
        "write_buffers": server.write_buffers(),
        "given_bytes": server.given_bytes(),
        "errors": server.errors,
    }


def _by_port(sizes: dict[str, int]) -> dict[int, int]:
    """Read a mapping back from JSON, which has made its keys text."""
    return {int(port): size for port, size in sizes.items()}


if __name__ == "__main__":
    try:
        asyncio.run(serve_parent())
    except Exception as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
