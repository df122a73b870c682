"""The environment's Node, and packages installed as a lock file has them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workshop_lib.pipe.node import EXPRESS, ROOT, install_packages, node_env, node_program


def test_node_is_the_program_itself():
    asked = "console.log(process.pid, process.version)"
    with subprocess.Popen([node_program(), "-e", asked], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        pid, version = run.stdout.read().split()
    assert int(pid) == run.pid
    assert int(version.removeprefix("v").split(".")[0]) >= 22


def test_npm_is_the_environments():
    found = shutil.which("npm", path=node_env()["PATH"])
    assert found and Path(found).parent == Path(sys.prefix) / "bin"


def test_packages_are_there_and_are_not_installed_twice(node: str):
    stamp = EXPRESS / "node_modules" / ".installed"
    before = stamp.stat().st_mtime_ns
    assert install_packages() == EXPRESS
    assert stamp.stat().st_mtime_ns == before
    assert {"express", "openai", "autocannon"} <= set(os.listdir(EXPRESS / "node_modules"))


def test_a_lock_that_cannot_be_installed_is_a_sentence(tmp_path: Path):
    (tmp_path / "package.json").write_text('{"name": "none"}')
    (tmp_path / "package-lock.json").write_text("{")
    with pytest.raises(RuntimeError, match="run `make install`"):
        install_packages(tmp_path)
    assert not (tmp_path / "node_modules").exists()


@pytest.mark.parametrize("lock", ["servers/express", "tests/node", "react_client"])
def test_no_lock_holds_a_registrys_address(lock: str):
    text = (ROOT / lock / "package-lock.json").read_text()
    assert not re.search(r'"resolved": "[^"]*:', text)  # a folder of ours has no scheme
    assert '"integrity": "sha512-' in text
