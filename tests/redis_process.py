"""A Redis of a test's own: it stores nothing, and can die, hang and come back."""

import signal
import subprocess
import time
from typing import Self

import redis

from tests.mechanism import until
from workshop_lib.pipe.sockets import free_port

OWN = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--daemonize", "no"]


class RedisProcess:
    """Runs redis-server on a free port, which it keeps when it comes back."""

    def __init__(self, program: str) -> None:
        self._port = free_port()
        self._command = [program, "--port", str(self._port), *OWN]
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._answers)

    def kill(self) -> None:
        """End it at once, with all it knew."""
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Keep its connections open, and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            time.sleep(0.02)
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
