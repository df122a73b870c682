"""A module of this project as a process of its own, talking JSON lines over its pipes.

On Linux it is forked from one that has imported what it needs, and starts in a tenth of the time.
The child lives as long as its standard input is open: when the parent ends, however it ends,
the pipe closes and the child goes too.
"""

import asyncio
import json
import os
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import IO, Any

import psutil

from workshop_lib.pipe import fork_server

Message = dict[str, Any]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 3.0


class Child:
    """Start `python -m module`, wait for its first message, and pass later ones on.

    `config` is its first line of input. `on_message` is called on a reader thread of the parent.
    `fresh` keeps it from being forked: its memory is its own from the first byte on. Raises
    RuntimeError with the child's own last words when it ends before it is ready. Several are ready
    sooner if each is made with `started=False`, then all spawned, then waited for.
    """

    def __init__(
        self,
        module: str,
        config: Message | None = None,
        on_message: Callable[[Message], None] | None = None,
        *,
        fresh: bool = False,
        started: bool = True,
    ) -> None:
        self.module = module
        self.ready: Message = {}
        self._config, self._on_message = config or {}, on_message
        self._last_words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._forked = fork_server.AVAILABLE and not fresh
        self._process: psutil.Process | None = None
        self._input: IO[str] | None = None
        self._output: IO[str] | None = None
        self._problem: Exception | None = None
        self._spawned, self._ready = threading.Event(), threading.Event()
        # an interrupt only ever hits the main thread: here a half-started process cannot get lost
        self._thread = threading.Thread(target=self._run, name=f"messages of {module}", daemon=True)
        if started:
            try:
                self.spawn()
                self.wait_until_ready()
            except BaseException:
                self.stop()
                raise

    def spawn(self) -> None:
        """Start the process without waiting for it; whoever does so has to stop it."""
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Return when its first message is here; raises RuntimeError if it does not come."""
        in_time = self._ready.wait(START_TIMEOUT_S)
        if self.ready:
            return
        self._kill()
        why = self.last_words() or ("it said nothing" if in_time else "it did not get ready")
        if self._problem:
            why = f"{type(self._problem).__name__}: {self._problem}"
        raise RuntimeError(
            f"The process {self.module} did not start: {why.splitlines()[-1]}. "
            f"Run `{sys.executable} -m {self.module}` in a terminal to see all of it."
        )

    def send(self, message: Message) -> None:
        """Write one message to the child; silently nothing if it has ended."""
        assert self._input
        with suppress(OSError, ValueError):
            self._input.write(json.dumps(message) + "\n")
            self._input.flush()

    def end(self) -> None:
        """Close the child's input, which ends it, without waiting for that."""
        if self._thread.ident:
            self._spawned.wait(STOP_TIMEOUT_S)
        if self._input:
            with suppress(OSError):
                self._input.close()

    def stop(self) -> None:
        """Close the child's input, which ends it; kill it if it does not go."""
        self.end()
        if self._process:
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except psutil.TimeoutExpired:
                self._kill()
            self._thread.join(STOP_TIMEOUT_S)
        if self._output:
            self._output.close()
        self._last_words.close()

    def keep_through_exec(self) -> None:
        """Let the program that this process is about to become (os.exec) keep the child.

        It ends with that program, however that ends: nobody else holds the pipe.
        """
        assert self._input
        os.set_inheritable(self._input.fileno(), True)

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        try:
            return bool(self._process) and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def last_words(self) -> str:
        """Return the end of what the child wrote to its standard error."""
        self._last_words.seek(0)
        return self._last_words.read()[-2000:].strip()

    def _run(self) -> None:
        try:
            self._process = self._spawn()
            self.pid = self._process.pid
            self._spawned.set()
            if self._forked:
                self.send(fork_server.order(self.module))
            self.send(self._config)
            self._read()
        except Exception as problem:
            self._problem = problem
        finally:
            self._spawned.set()
            self._ready.set()

    def _spawn(self) -> psutil.Process:
        stdin, ours = os.pipe()
        self._input = open(ours, "w", encoding="utf-8")
        ours, stdout = os.pipe()
        self._output = open(ours, encoding="utf-8")
        try:
            if self._forked:
                return fork_server.FORK_SERVER.fork(stdin, stdout, self._last_words.fileno())
            return psutil.Popen(
                [sys.executable, "-m", self.module],
                stdin=stdin,
                stdout=stdout,
                stderr=self._last_words,
                # Jupyter interrupts a process group: a stop button must not end the pipe's ends
                start_new_session=True,
            )
        finally:
            os.close(stdin)
            os.close(stdout)

    def _read(self) -> None:
        assert self._output
        for line in self._output:
            try:
                message: Message = json.loads(line)
            except ValueError:  # a library that prints is not a reason to hear nothing more
                continue
            if not self._ready.is_set():
                self.ready = message
                self._ready.set()
            elif self._on_message:
                self._on_message(message)

    def _kill(self) -> None:
        if self._process:
            with suppress(psutil.NoSuchProcess):
                self._process.kill()
            self._process.wait()


def report(message: Message) -> None:
    """In the child: send one message to the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def messages() -> AsyncIterator[Message]:
    """In the child: yield the parent's messages, the configuration first; end with the parent."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:  # a thread, because Windows cannot select on a pipe
        for line in sys.stdin:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, "")

    threading.Thread(target=read, name="messages of the parent", daemon=True).start()
    while line := await queue.get():
        yield json.loads(line)
