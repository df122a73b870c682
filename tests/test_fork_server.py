"""What is forked is like what is started: with its parent's surroundings, and nothing of others."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from workshop_lib.pipe import fork_server
from workshop_lib.pipe.child import Child
from workshop_lib.pipe.fork_server import FORK_SERVER

pytestmark = pytest.mark.skipif(not fork_server.AVAILABLE, reason="nothing is forked here")

MODULE = "tests.child_module"
ODD = "two\nlines and \udcff, which is no UTF-8"
# A program that does not look at its `__name__`.
UNGUARDED = """
print("run")
from workshop_lib.pipe.child import Child
Child("tests.child_module", {"do": "echo"}).stop()
"""


def surroundings(fresh: bool) -> dict[str, Any]:
    child = Child("child_module", {"do": "tell"}, fresh=fresh)
    child.stop()
    for unseen in ("LINES", "COLUMNS"):  # readline's, set in C behind os.environ
        child.ready["environment"].pop(unseen, None)
    return child.ready


def test_it_has_what_a_started_process_has(monkeypatch: pytest.MonkeyPatch):
    Child(MODULE, {"do": "echo"}).stop()  # the fork server runs, with what was so far
    soft, hard = psutil.Process().rlimit(psutil.RLIMIT_NOFILE)
    psutil.Process().rlimit(psutil.RLIMIT_NOFILE, (soft - 1, hard))
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.setenv("ODD", ODD)
    monkeypatch.delenv("HOME")
    try:
        forked, started = surroundings(fresh=False), surroundings(fresh=True)
    finally:
        psutil.Process().rlimit(psutil.RLIMIT_NOFILE, (soft, hard))
    assert (forked.pop("name"), started.pop("name")[:6]) == ("child_module", "python")
    assert forked == started
    assert forked["environment"]["ODD"] == ODD


def test_one_that_was_killed_is_started_anew():
    kept = Child(MODULE, {"do": "echo"})
    assert FORK_SERVER._process
    FORK_SERVER._process.kill()
    other = Child(MODULE, {"do": "echo"})
    assert kept.alive and other.alive
    kept.stop()
    other.stop()


def test_a_program_that_does_not_guard_its_main_runs_once(tmp_path: Path):
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("run\n", "")
