"""The ends of the pipe are forked from a process that has imported what they need.

Python takes 0.4 s to import aiohttp and what is around it, and a run starts two such processes: a
fork takes 0.01 s. The fork server of multiprocessing imports the main module of whoever asks
into each child, so that a script which does not look at its `__name__` would start itself again.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PRELOADED = ("workshop_lib.pipe.fake_llm.app", "workshop_lib.pipe.crowd.reader")
AVAILABLE = sys.platform == "linux"  # Windows has no fork, and macOS's libraries survive none
PID_BYTES = 8
STANDARD_STREAMS = (0, 1, 2)


class ForkServer:
    """The process that forks, started when it is first needed; it ends with its owner."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self._end)

    def fork(self, stdin: int, stdout: int, stderr: int) -> psutil.Process:
        """Start a process that reads what it shall become, see `order`, from its input.

        Raises ConnectionError when the fork server ends, even one started anew.
        """
        with self._one_at_a_time:
            pid = self._ask(stdin, stdout, stderr) or self._ask(stdin, stdout, stderr)
        if not pid:
            raise ConnectionError("the process that forks it has ended")
        process = psutil.Process(pid)
        # it has the limit that the fork server started with, and ours may have been raised since
        process.rlimit(psutil.RLIMIT_NOFILE, psutil.Process().rlimit(psutil.RLIMIT_NOFILE))
        return process

    def _ask(self, *streams: int) -> int:
        """Return the new process's id; 0 if there is no fork server any more."""
        connection = self._connection or self._start()
        try:
            socket.send_fds(connection, [b"f"], streams)
            pid = int.from_bytes(connection.recv(PID_BYTES, socket.MSG_WAITALL))
        except OSError:
            pid = 0
        if not pid:
            self._end()
        return pid

    def _start(self) -> socket.socket:
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._connection

    def _end(self) -> None:
        """Close the connection, which ends it."""
        if self._connection and self._process:
            self._connection.close()
            self._connection = None
            self._process.wait()


def order(module: str) -> dict[str, Any]:
    """Return the first message to a forked process: what it runs, and what it would inherit."""
    return {"module": module, "folder": os.getcwd(), "environment": dict(os.environ)}


def main() -> None:
    """Fork for as long as the owner lives; in what was forked, become what the order says."""
    for module in PRELOADED:
        # the doctor that is taken home has no crowd; and who needs what is missing says so itself
        with suppress(ImportError):
            importlib.import_module(module)
    gc.freeze()  # the collector of a child would copy what it looks at
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks here how they ended
    _name("fork_server")
    with socket.socket(fileno=os.dup(0)) as owner:
        streams = _next_child(owner)
    if streams:
        _become(*streams)


def _next_child(owner: socket.socket) -> list[int]:
    """Return in each child with its streams, and in the fork server when the owner has gone."""
    while True:
        asked, streams, *_ = socket.recv_fds(owner, 1, len(STANDARD_STREAMS))
        if not asked:
            return []
        pid = os.fork()
        if not pid:
            return streams
        for stream in streams:
            os.close(stream)
        owner.sendall(pid.to_bytes(PID_BYTES))


def _become(*streams: int) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for stream, standard in zip(streams, STANDARD_STREAMS, strict=True):
        os.dup2(stream, standard)
        os.close(stream)
    order = json.loads(sys.stdin.readline() or "null")
    if not order:  # whoever asked has gone
        return
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.path[0] = order["folder"]  # as `python -m` would have it
    _name(order["module"].removeprefix("workshop_lib.pipe."))
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _name(name: str) -> None:
    """Let ps, top and psutil show it; Linux keeps 15 characters."""
    Path("/proc/self/comm").write_text(name[:15])


FORK_SERVER = ForkServer()

if __name__ == "__main__":
    main()
