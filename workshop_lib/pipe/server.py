"""The server under test in a background thread, with its buffers set and its transports in view."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Protocol, Self

from aiohttp import web

from workshop_lib.pipe.environment import environ_holding
from workshop_lib.pipe.errors import logger, loop_handler
from workshop_lib.pipe.sockets import Granted, granted, listening_socket
from workshop_lib.pipe.transports import Transports

MakeApp = Callable[[], web.Application]

START_TIMEOUT_S = 60.0
CANCEL_TIMEOUT_S = 2.0
STOP_TIMEOUT_S = 10.0


class Server(Protocol):
    """What an experiment needs of a server under test, be it a thread or a process."""

    port: int
    pid: int

    @property
    def url(self) -> str: ...
    @property
    def granted(self) -> Granted | None: ...
    @property
    def errors(self) -> list[str]: ...
    def write_buffers(self) -> dict[int, int] | None: ...
    def given_bytes(self) -> dict[int, int] | None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *problem: object) -> None: ...


class ServerThread:
    """Run an aiohttp app on its own event loop in a background thread.

    `make_app` is called in that thread, and `env` holds while the app starts, so that a client
    built there is bound to the right loop and address. `sndbuf` is asked of the kernel for each
    connection (bytes, 0: its own choice); `high_water_bytes` is the mark above which `drain()`
    waits (None: asyncio's 64 KiB). What stops the app from starting is raised by `start()`.
    """

    def __init__(
        self,
        make_app: MakeApp,
        *,
        env: Mapping[str, str] | None = None,
        sndbuf: int = 0,
        high_water_bytes: int | None = None,
        port: int = 0,
    ) -> None:
        self._make_app = make_app
        self._env = dict(env or {})
        self._transports = Transports(high_water_bytes)
        self._sndbuf = sndbuf
        self.port = port
        self.pid = os.getpid()
        self.granted: Granted | None = None
        self.errors: list[str] = []
        self._socket: socket.socket | None = None
        self._looping, self._started = threading.Event(), threading.Event()
        self._looping.set()  # nothing runs: a stop has no loop to wait for
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    @property
    def url(self) -> str:
        """The address of the server, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Return when the server accepts connections."""
        try:
            self._listen()
            with environ_holding(self._env):
                self._looping.clear()  # before start(): an interrupt in it may leave a thread
                self._thread.start()
                in_time = self._started.wait(START_TIMEOUT_S)
            if not in_time:
                raise TimeoutError(
                    f"The app did not start within {START_TIMEOUT_S:.0f} s: "
                    "look for a blocking call in make_app() or in its start-up hooks."
                )
        except BaseException:  # an interrupt while it starts must not leave it behind
            self._end(lambda: self._give_up())
            raise
        if self._problem:
            self._thread.join(STOP_TIMEOUT_S)
            raise self._problem
        return self

    def stop(self) -> None:
        """Cut every connection, end every task of the server's loop, and join its thread."""
        self._end(lambda: self._stopping.set())
        if self._thread.is_alive():
            raise RuntimeError(
                "The server's thread does not end: a handler blocks its event loop. "
                "Look there for time.sleep() or a loop without an await, and restart the kernel."
            )

    def write_buffers(self) -> dict[int, int] | None:
        """Return the bytes in each connection's write buffer, by the reader's port."""
        return self._transports.write_buffers(self._connections())

    def given_bytes(self) -> dict[int, int] | None:
        """Return the bytes given to each connection, heads included, by the reader's port."""
        return self._transports.given_bytes()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def _end(self, how: Callable[[], object]) -> None:
        self._looping.wait(STOP_TIMEOUT_S)
        if not self._thread.ident:
            if self._socket:
                self._socket.close()
            return
        try:
            self._loop.call_soon_threadsafe(how)
        except RuntimeError:  # the loop has closed: the thread is ending of itself
            pass
        self._thread.join(STOP_TIMEOUT_S)

    def _listen(self) -> None:
        self._socket = listening_socket(port=self.port, sndbuf=self._sndbuf)
        self.port = self._socket.getsockname()[1]
        self.granted = granted(self._socket)
        self._thread.name = f"server on {self.port}"

    def _connections(self) -> list[web.RequestHandler]:
        server = self._runner.server
        return server.connections if server else []

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as problem:
            self._problem = problem
        finally:
            assert self._socket
            self._socket.close()
            self._looping.set()
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(loop_handler(self.errors))
        self._stopping = asyncio.Event()
        serving = asyncio.current_task()
        assert serving is not None
        self._give_up = serving.cancel
        self._looping.set()
        app = self._make_app()
        app.on_response_prepare.append(self._transports.meet)
        self._runner = web.AppRunner(
            app, access_log=None, logger=logger(self.errors), shutdown_timeout=0.1
        )
        try:
            await self._runner.setup()
            assert self._socket
            await web.SockSite(self._runner, self._socket, backlog=4096).start()
            self._started.set()
            await self._stopping.wait()
            await self._cut()
        finally:
            await self._runner.cleanup()

    async def _stop_accepting(self) -> None:
        """Accept no more, and let each connection that was accepted last have its transport.

        asyncio accepts in a task, which leaves its socket open if it is cancelled, or if the
        server is closed, before its first step.
        """
        assert self._socket
        self._loop.remove_reader(self._socket)
        await asyncio.sleep(0)

    async def _cut(self) -> None:
        """Abort the connections, for close() would wait for a reader that never reads."""
        await self._stop_accepting()
        for connection in self._connections():
            if connection.transport:
                connection.transport.abort()
        # aiohttp cancels its handlers too, but closes the app's client under their feet
        handlers = asyncio.all_tasks() - {asyncio.current_task()}
        for handler in handlers:
            handler.cancel()
        if handlers:
            await asyncio.wait(handlers, timeout=CANCEL_TIMEOUT_S)
