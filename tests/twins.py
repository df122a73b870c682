"""The production servers on Express and on FastAPI, as tests start them and look at them."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psutil

from tests.fault_cells import Served
from tests.mechanism import until
from tests.production import HEALTHY
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.node import EXPRESS, node_program
from workshop_lib.pipe.server_process import ServerProcess

TWINS = ("express", "fastapi")


def twin(framework: str, step: str = "step4_production") -> list[str]:
    """Return the command that serves a step."""
    if framework == "express":
        return [node_program(), str(EXPRESS / f"{step}.mjs")]
    return [sys.executable, "-m", f"servers.fastapi.{step}"]


@contextmanager
def serving_twin(
    llm: FakeLLM, command: Sequence[str], env: Mapping[str, str] | None = None, **knobs: Any
) -> Iterator[ServerProcess]:
    llm.set(**HEALTHY | knobs)
    with ServerProcess(command, env=llm.env | dict(env or {})) as server:
        yield server


class ServedTwin(Served):
    """A twin in a process of its own: streams and sockets are in view, tasks and threads are not.

    Its sockets have the kernel's own buffers, so an answer that stalls must be megabytes long, and
    slow enough for a reader to stop in the midst of it.
    """

    long = {"answer_tokens": 600, "token_bytes": 16_000, "tokens_per_s": 500}  # noqa: RUF012

    def __init__(self, framework: str, llm: FakeLLM, env: Mapping[str, str]) -> None:
        self.name, self.llm, self.env = "step4_production", llm, env
        self.server = ServerProcess(twin(framework), env={**llm.env, **env})  # pyright: ignore[reportIncompatibleVariableOverride, reportAttributeAccessIssue]
        self.server.start()
        self.serves_whole()
        until(lambda: not self._sockets())

    def close(self) -> None:
        self.server.stop()

    def left_behind(self) -> tuple[str, ...]:
        held = {"stream": self.llm.totals().open > 0, "socket": self._sockets() > 0}
        return tuple(what for what, is_left in held.items() if is_left)

    def _sockets(self) -> int:
        process = psutil.Process(self.server.pid)
        held = [one for one in process.net_connections(kind="tcp") if one.laddr and one.raddr]
        return len([one for one in held if one.laddr.port == self.server.port])
