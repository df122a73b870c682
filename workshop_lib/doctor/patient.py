"""The server under examination: a command that is started and stopped here, or one that runs."""

import asyncio
import shlex
import time
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

import psutil

from workshop_lib.doctor.clean_env import clean_env
from workshop_lib.doctor.ports import accepts, listening_ports
from workshop_lib.doctor.visit import until
from workshop_lib.pipe.server_process import ServerProcess

START_TIMEOUT_S = 60.0
# So long a server may have another port than PORT before that one is taken for its own.
PORT_GRACE_S = 2.0
BEAT_S = 0.05
# A server that waits for its streams to end would wait for the ones that no probe can end.
STOP_PATIENCE_S = 0.5


class CannotExamine(Exception):
    """There is nothing to examine; the text says why and what to do."""


class Patient(Protocol):
    """What the doctor needs of a server; one that `can_restart` can run several times, too."""

    can_restart: bool
    origin: str

    async def start(self) -> None: ...
    def stop(self) -> None: ...
    def alive(self) -> bool: ...
    def last_words(self) -> str: ...
    def processes(self) -> list[psutil.Process]: ...
    def listeners(self) -> set[int]: ...


class Command:
    """A command that is told PORT and where its LLM is, and whose port is found if it has another.

    Raises CannotExamine when it cannot be started, ends, or never listens.
    """

    can_restart = True

    def __init__(self, command: str, env: Mapping[str, str]) -> None:
        self._words = shlex.split(command)
        self._env = {"HOST": "127.0.0.1", **env}
        self._process: ServerProcess | None = None
        self.origin = ""
        self.obeys_port = True

    async def start(self) -> None:
        """Return when it listens."""
        self._process = ServerProcess(self._words, env=self._env, base_env=clean_env())
        try:
            self._process.spawn()
        except RuntimeError as problem:
            raise CannotExamine(str(problem)) from None
        port = await self._port(self._process)
        self.obeys_port = port == self._process.port
        self.origin = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End it with all it has started; said again, it changes nothing."""
        if self._process:
            self._process.stop(STOP_PATIENCE_S)
            self._process = None
            _end_listeners(self.origin)  # the port was free before: whoever has it came from us

    def alive(self) -> bool:
        """Tell whether it still accepts connections, whichever of its processes does."""
        return accepts(self.origin)

    def last_words(self) -> str:
        """Return the last lines that it printed."""
        said = self._process.last_words() if self._process else ""
        return " / ".join(line.strip() for line in said.splitlines()[-5:] if line.strip())

    def processes(self) -> list[psutil.Process]:
        """Return its processes: a launcher, and what that has started."""
        return self._process.tree() if self._process else []

    def listeners(self) -> set[int]:
        """Return the numbers of those that listen: one that is missing later has died."""
        return {process.pid for process in self.processes() if listening_ports([process])}

    async def _port(self, process: ServerProcess) -> int:
        command, began_s = shlex.join(self._words), time.monotonic()
        others: list[int] = []
        while (waited_s := time.monotonic() - began_s) < START_TIMEOUT_S:
            if accepts(process.url):
                return process.port
            others = listening_ports(process.tree())
            reached = [port for port in others if accepts(f"http://127.0.0.1:{port}")]
            if reached and waited_s > PORT_GRACE_S:
                return reached[0]
            if process.ended and not others:
                raise CannotExamine(
                    f"`{command}` ended before it listened on a port. Its last words: "
                    f"{self.last_words() or '(none)'}. Run it by hand with PORT={process.port} and "
                    "OPENAI_BASE_URL set, and repair that first."
                )
            await asyncio.sleep(BEAT_S)
        where = f"listens on {others}, and not for 127.0.0.1" if others else "listens on no port"
        raise CannotExamine(
            f"`{command}` runs and {where}, after {START_TIMEOUT_S:g} s. Let it listen on "
            "127.0.0.1, on the port that PORT names. Its last words: "
            f"{self.last_words() or '(none)'}."
        )


class Running:
    """A server that runs already: it cannot be started afresh, and its output is not seen."""

    can_restart = False

    def __init__(self, url: str, patience_s: float = 0.0) -> None:
        parts = urlsplit(url)
        self._patience_s = patience_s
        self.origin = f"http://{parts.netloc}"
        self._port = parts.port or 80

    async def start(self) -> None:
        """Look whether it is there, and wait for it where somebody is about to start it."""
        if not await until(lambda: accepts(self.origin), self._patience_s):
            raise CannotExamine(
                f"Nobody listens on {self.origin}. Start the server, or correct the address."
            )

    def stop(self) -> None:
        """Leave it as it is: whoever started it stops it."""

    def alive(self) -> bool:
        """Tell whether it still accepts connections."""
        return accepts(self.origin)

    def last_words(self) -> str:
        """Return nothing: it prints elsewhere."""
        return ""

    def processes(self) -> list[psutil.Process]:
        """Return the process that listens on its port, if that is seen from here."""
        return [one for one in psutil.process_iter() if self._port in listening_ports([one])]

    def listeners(self) -> set[int]:
        """Return none: to look for them takes too long, and nobody would start them afresh."""
        return set()


def _end_listeners(origin: str) -> None:
    """End what has slipped out of its tree and its session, as a daemon does."""
    if origin and accepts(origin):
        for process in Running(origin).processes():
            process.kill()
            process.wait(STOP_PATIENCE_S * 4)
