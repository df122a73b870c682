"""JupyterLab as `make lab` starts it, on a copy of the lessons, and a browser that opens it."""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from workshop_lib.pipe.chromium import FLAGS
from workshop_lib.pipe.sockets import free_port

ROOT = Path(__file__).resolve().parent.parent
LINKED = (".ci", ".venv", "Makefile", "pyproject.toml", "requirements.lock")
OWN_LOCKS = "requirements-*.lock"
TOKEN = "a-token-for-the-test"
START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 30


@contextmanager
def lab(folder: Path, *variables: str) -> Iterator[str]:
    """Start `make lab` on a copy of the lessons, without their outputs, and give its address.

    `variables` are for make, as `MODEL=local`.
    """
    for name in (*LINKED, *(path.name for path in ROOT.glob(OWN_LOCKS))):
        (folder / name).symlink_to(ROOT / name)
    ignored = shutil.ignore_patterns(".ipynb_checkpoints", "recordings")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=ignored)
    for path in (folder / "notebooks").glob("*.ipynb"):
        path.write_text(json.dumps(without_outputs(json.loads(path.read_text()))))
    port = free_port()
    log = folder / "lab.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            ["make", "lab", "NO_BROWSER=1", f"PORT={port}", *variables],
            cwd=folder,
            env=os.environ
            | {"WORKSHOP_PACE": "quick", "JUPYTER_TOKEN": TOKEN}
            | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/api", process, log)
        yield f"http://127.0.0.1:{port}/?token={TOKEN}"
    finally:
        stop(process)


def without_outputs(notebook: dict) -> dict:
    """Return a lesson as if nobody had run it."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return notebook


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server is up; raise with what it said when it is not."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"make lab did not come up:\n{log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End make and the server, which ends its kernels; kill what has not ended in time."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if signalled(process, number):
            deadline_s = time.monotonic() + STOP_TIMEOUT_S
            while signalled(process, 0) and time.monotonic() < deadline_s:
                time.sleep(0.1)


def signalled(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal (0: none) to the session of make; tell whether anybody is left in it."""
    process.poll()
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def browser_page(chromium: str, url: str) -> Iterator[Page]:
    """Open an address in a Chromium without a window, large enough for a chart."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1500, "height": 1100})
            page.goto(url)
            yield page
        finally:
            browser.close()
