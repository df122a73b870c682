"""A proxy between the server and its readers: how it is set up, and the program that plays it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Literal, Self

from workshop_lib.pipe.child import Child, Message
from workshop_lib.pipe.link import Wire

NGINX, RELAY = "workshop_lib.pipe.nginx", "workshop_lib.pipe.relay"
OUTSIDE_PATH = ("/usr/sbin/nginx", "/opt/homebrew/bin/nginx", "/usr/local/sbin/nginx")
VERSION_TIMEOUT_S = 20


@dataclass(frozen=True)
class Proxy:
    """What a proxy does with an answer.

    With `buffering` it takes all that the server gives, whatever its reader takes, unless the
    answer's head says `X-Accel-Buffering: no`. `http` is what it speaks to the server; at 1.0 it
    hands on what fills a buffer. `gzip`: for readers that accept it. It ends an answer in which
    nothing comes for `idle_s`, and one that takes longer than `whole_s` (0: no such limit).

    It is nginx, where that is installed, and else a relay of ours. `ours` asks for the relay: it
    alone has `whole_s`, and compresses as a middleware does, which heeds `no-transform`.
    """

    buffering: bool = True
    http: Literal["1.0", "1.1"] = "1.1"
    gzip: bool = False
    idle_s: float = 60.0
    whole_s: float = 0.0
    ours: bool = False

    def times(self, time_lapse: float) -> "Proxy":
        """Return the same proxy in a time-lapse."""
        return replace(self, idle_s=self.idle_s / time_lapse, whole_s=self.whole_s / time_lapse)

    def before(self, port: int, *, sndbuf: int = 0, rcvbuf: int = 0) -> "RunningProxy":
        """Start it before the server at a port.

        `sndbuf` is asked of the kernel towards the reader, `rcvbuf` towards the server (bytes, 0:
        its own choice), which nginx does not let anybody set.
        """
        program = None if self.ours or self.whole_s else find_nginx()
        config = {"to_port": port, "sndbuf": sndbuf, "rcvbuf": rcvbuf, "program": program}
        return RunningProxy(NGINX if program else RELAY, config | asdict(self))


# What stands in nginx's documentation as its defaults: version 1.0 was one until nginx 1.29.7.
OLD_DEFAULT = Proxy(http="1.0")


class RunningProxy:
    """A proxy's process, which ends with this one; `name` says which program it is.

    It lies where a link would: what it holds of each connection nobody can see from outside.
    """

    def __init__(self, module: str, config: Message) -> None:
        self._child = Child(module, config)
        self.port: int = self._child.ready["port"]
        self.name: str = self._child.ready["name"]

    def wires(self) -> Mapping[int, Wire]:
        """Return nothing: which connections belong together it does not tell."""
        return {}

    def freeze(self) -> None:
        """Let it go on: what it can still move is little, once both ends stand still."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.stop()


def find_nginx() -> str | None:
    """Return the path of an nginx that starts, or None; NGINX names another, or none such."""
    named = os.environ.get("NGINX")
    candidates = [named] if named else [shutil.which("nginx"), *OUTSIDE_PATH]
    return next((path for path in candidates if path and version_of(path)), None)


def version_of(path: str) -> str:
    """Return what an nginx calls itself, such as "nginx 1.22.1"; nothing if it does not start."""
    try:
        told = subprocess.run(
            [path, "-v"], capture_output=True, text=True, check=True, timeout=VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stderr.strip().removeprefix("nginx version: ").replace("/", " ")
