"""The server under test as a process: a module of `servers`, or any command in any language."""

import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Self

import psutil

from workshop_lib.pipe.sockets import Granted, free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 3.0


class ServerProcess:
    """Run a command that serves on the port in its environment variable PORT.

    `env` is added to the environment, or to `base_env` where that is given. Its buffers and queues
    are its own affair: `granted` and `write_buffers()` are None. `start()` returns when the port
    accepts connections, and raises RuntimeError with the command's last words when it ends before;
    `stop()` ends its whole tree.
    """

    granted: Granted | None = None

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        base_env: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.command = list(command)
        self.port = port or free_port()
        self.pid = 0
        self.errors: list[str] = []
        around = os.environ if base_env is None else base_env
        self._env = {**around, **(env or {}), "PORT": str(self.port)}
        self._process: psutil.Popen | None = None
        self._problem: Exception | None = None
        self._spawned = threading.Event()
        self._spawned.set()  # nothing to wait for yet
        self._output: IO[str] | None = None

    @property
    def url(self) -> str:
        """The address of the server, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Return when the server accepts connections."""
        self.spawn()
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.stop()
            raise
        return self

    def spawn(self) -> None:
        """Start the command without waiting for its port; whoever does so has to stop it."""
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        try:
            # an interrupt only ever hits the main thread: elsewhere no process can get lost, and
            # stop() waits for it, for an interrupt may hit the start of a thread that then runs
            self._spawned.clear()
            threading.Thread(target=self._spawn, name="starting the server", daemon=True).start()
            self._spawned.wait()
            if self._problem:
                raise self._problem
        except OSError as problem:
            self.stop()
            raise RuntimeError(
                f"The program {self.command[0]!r} cannot be started ({problem.strerror}): "
                "install it, or give its whole path."
            ) from None
        except BaseException:
            self.stop()
            raise

    @property
    def ended(self) -> bool:
        """Tell whether the command has ended, whatever it has started."""
        return self._process is None or self._process.poll() is not None

    def tree(self) -> list[psutil.Process]:
        """Return the command's process and all it has started."""
        return _tree(self._process) if self._process else []

    def stop(self, patience_s: float = STOP_TIMEOUT_S) -> None:
        """End the process and all it has started, those that do not listen by force."""
        self._spawned.wait(STOP_TIMEOUT_S)
        if self._process is not None:
            _end_tree(self._process, patience_s)
            self._process = None
        if self._output is not None:
            self._output.close()

    def write_buffers(self) -> dict[int, int] | None:
        """Return None: what another process keeps in its buffers cannot be seen from outside."""
        return None

    def given_bytes(self) -> dict[int, int] | None:
        """Return None: what another process has given to its connections cannot be seen."""
        return None

    def last_words(self) -> str:
        """Return the end of what the command has printed."""
        assert self._output is not None
        self._output.seek(0)
        return self._output.read()[-2000:].strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def _spawn(self) -> None:
        try:
            self._process = psutil.Popen(
                self.command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.pid = self._process.pid
        except Exception as problem:
            self._problem = problem
        finally:
            self._spawned.set()

    def _wait_until_it_listens(self) -> None:
        assert self._process is not None
        command = " ".join(self.command)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"`{command}` ended before it listened on port {self.port}. "
                    f"Its last words: {self.last_words() or '(none)'}. Run it by hand with "
                    f"PORT={self.port} to see more."
                )
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(
            f"`{command}` runs, but nothing listens on port {self.port}: "
            "let it listen on the port that the environment variable PORT names."
        )


def _end_tree(process: psutil.Popen, patience_s: float) -> None:
    tree = _tree(process)
    for member in tree:
        try:
            member.terminate()
        except psutil.NoSuchProcess:
            pass
    _, alive = psutil.wait_procs(tree, patience_s)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, STOP_TIMEOUT_S)
    process.wait()


def _tree(process: psutil.Popen) -> list[psutil.Process]:
    """Return the process with all it has started, also when it has ended and they have not."""
    try:
        tree = {process, *process.children(recursive=True)}
    except psutil.NoSuchProcess:
        tree = {process}
    return [*tree, *(other for other in _session(process.pid) if other not in tree)]


def _session(leader: int) -> list[psutil.Process]:
    if os.name != "posix":
        return []
    members: list[psutil.Process] = []
    for other in psutil.process_iter():
        try:
            if other.pid != leader and os.getsid(other.pid) == leader:
                members.append(other)
        except (ProcessLookupError, PermissionError):
            pass
    return members
