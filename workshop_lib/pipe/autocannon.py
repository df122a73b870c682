"""The real autocannon from npm, run beside an experiment: what a common load tool gets to see."""

import json
import os
import subprocess
from types import TracebackType
from typing import Any, Self

from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.node import install_packages, node_env, node_program
from workshop_lib.pipe.server import Server

TIMEOUT_S = 10  # autocannon's own default
QUICK_TIMEOUT_S = 2
GRACE_S = 30.0


class Autocannon:
    """Let `connections` clients of autocannon call POST /chat, for a little over `timeout_s`.

    Give it to `Experiment.run` as `beside`. Once the run is over, `answers_done` and
    `answers_given_up` are its own counts: it gives up an answer that takes longer than
    `timeout_s` (None: its own 10 s, or 2 s for WORKSHOP_PACE=quick). Raises RuntimeError when it
    cannot be run.
    """

    def __init__(self, connections: int = 20, timeout_s: int | None = None) -> None:
        quick = os.environ.get("WORKSHOP_PACE", "full") == "quick"
        self.connections = connections
        self.timeout_s = timeout_s or (QUICK_TIMEOUT_S if quick else TIMEOUT_S)
        self.answers_done = self.answers_given_up = 0

    def __call__(self, llm: FakeLLM, server: Server) -> Self:
        """Say whom to call."""
        self._url = f"{server.url}/chat"
        return self

    def __enter__(self) -> Self:
        self._tool = subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=node_env(),
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            said, complaint = self._tool.communicate(timeout=0 if problem else GRACE_S)
        except subprocess.TimeoutExpired:
            said, complaint = b"", b"it did not end"
        finally:
            self._tool.kill()
            self._tool.communicate()
        if problem is None:
            self._count(said, complaint.decode(errors="replace"))

    def _command(self) -> list[str]:
        tool = install_packages() / "node_modules" / "autocannon" / "autocannon.js"
        options = {
            "--connections": self.connections,
            "--duration": self.timeout_s + 1,
            "--timeout": self.timeout_s,
            "--method": "POST",
            "--headers": "content-type=application/json",
            "--body": '{"prompt": "autocannon"}',
        }
        given = [str(part) for option in options.items() for part in option]
        return [node_program(), str(tool), "--json", *given, self._url]

    def _count(self, said: bytes, complaint: str) -> None:
        try:
            counted: dict[str, Any] = json.loads(said)
        except ValueError:
            raise RuntimeError(
                f"autocannon did not report: {complaint.strip()[-300:] or 'it said nothing'}. "
                "Run `make install`, then this again."
            ) from None
        self.answers_done, self.answers_given_up = counted["2xx"], counted["timeouts"]
