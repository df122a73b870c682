"""A Chromium without a window, for where nobody looks; found on the machine, never installed."""

import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import free_port

# What `make test` brings, where the machine has none, lies in .venv.
BROWSERS = Path(__file__).resolve().parents[2] / ".venv" / "browsers"
NPM_CHROMIUM = BROWSERS / "npm"
STARTER = NPM_CHROMIUM / "chromium.sh"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ANSWER_TIMEOUT_S = 60
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOW = "--window-size=1000,700"


def candidates() -> Iterator[str]:
    """Yield paths where a Chromium may be, the wanted one first."""
    if named := os.environ.get("CHROMIUM"):
        yield named
        return
    yield from filter(None, map(shutil.which, NAMES))
    yield str(MAC_CHROME)
    yield from map(str, sorted(BROWSERS.glob("chromium-*/chrome-linux*/chrome")))
    yield from map(str, sorted(BROWSERS.glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*")))
    yield str(STARTER)


def find_chromium() -> str | None:
    """Return the path of a Chromium that starts, or None."""
    return next(filter(_starts, candidates()), None)


@contextmanager
def chromium_at(url: str, chromium: str, *flags: str) -> Generator[None]:
    """Look at an address with a Chromium of its own, and leave nothing of it.

    `flags` are further ones. Raises RuntimeError, with its last words, when it does not start.
    """
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        # what it serves is its debugger: that it listens there means that it is up
        port = free_port()
        own = [f"--remote-debugging-port={port}", f"--user-data-dir={profile}"]
        command = [chromium, "--headless=new", *FLAGS, *flags, *own, WINDOW, url]
        with ServerProcess(command, port=port):
            yield


def _starts(path: str) -> bool:
    try:
        subprocess.run(
            [path, "--version"], capture_output=True, check=True, timeout=ANSWER_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
