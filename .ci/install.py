"""Brings .venv to what requirements.lock says: `make lab` and `make test` run it first.

With the name of an extra, to what `requirements-<extra>.lock` says as well.

Runs under any Python from 3.11 on, before anything is installed. The stamp in .venv tells what
is installed and where; when it still fits, there is nothing to do.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".installed"
HALF_MADE = VENV / ".installing"
PIP = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
# What somebody has to know of an extra before it is downloaded.
ABOUT = {
    "model": "The extra `model` is a language model, SmolLM2-135M-Instruct (93 MB), and llama.cpp "
    "ready to run (34 MB): 127 MB to download, 200 MB on the disk. On Linux and on Apple silicon "
    "nothing is compiled. To go without it, press Ctrl-C and run `make lab`: no lesson needs it."
}
CLEAN_START = "run `make clean`, then the same command again"


def wanted_stamp() -> str:
    """Says what an up-to-date .venv holds: this folder, this lock, this project file."""
    files = LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return f"{ROOT}\n{hashlib.sha256(files).hexdigest()}\n"


def succeeds(*command: str | Path, shown: bool = False) -> bool:
    """Tells whether a command can be run and ends with status 0; what it prints may be dropped."""
    try:
        return subprocess.run(command, capture_output=not shown, check=False).returncode == 0
    except OSError:
        return False


def is_installed() -> bool:
    """Tells whether the stamp still fits and the environment's Python still starts."""
    fits = STAMP.exists() and not HALF_MADE.exists() and STAMP.read_text() == wanted_stamp()
    return fits and succeeds(PYTHON, "-c", "")


def count(lock: Path) -> int:
    """Returns how many packages a lock pins."""
    return sum(line[:1].isalnum() for line in lock.read_text().splitlines())


def make_venv() -> None:
    """Makes .venv, also in place of one that cannot be used: half made, moved, broken, too old."""
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"Python {version} at {sys.executable} has no ensurepip, so it cannot make a virtual "
            f"environment. On Debian or Ubuntu: `apt install python{version}-venv`, "
            "then run the same command again."
        )
    if not is_usable():
        shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir()
        HALF_MADE.touch()
        run("making .venv", sys.executable, "-m", "venv", VENV)
    HALF_MADE.touch()


def is_usable() -> bool:
    """Tells whether .venv is whole, of this folder and of a Python that can run the workshop."""
    moved = STAMP.exists() and STAMP.read_text().splitlines()[0] != str(ROOT)
    recent = succeeds(PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))")
    whole = recent and succeeds(PYTHON, "-m", "pip", "--version")
    return whole and not moved and not HALF_MADE.exists()


def run(what: str, *command: str | Path) -> None:
    """Runs one command, quiet unless it fails; then prints what it said and stops."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        sys.exit(
            f"{done.stdout}\n{what} failed; the reason stands above. Check the network and "
            f"the disk and run the same command again; if that does not help, {CLEAN_START}."
        )


def lock_lines(package: str) -> str:
    """Returns the lines of requirements.lock that pin one package, with its hashes."""
    lines = LOCK.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next(n for n in range(start, len(lines)) if not lines[n].endswith("\\"))
    return "\n".join(lines[start : end + 1]) + "\n"


def install_uv() -> bool:
    """Installs the locked uv and tells whether it runs here."""
    only_uv = VENV / "uv.lock"
    only_uv.write_text(lock_lines("uv"))
    return succeeds(*PIP, "--require-hashes", "--requirement", only_uv, "--only-binary", ":all:")


def install_locked(lock: Path, shown: bool = False) -> None:
    """Installs what a lock pins, by uv where it runs, else by pip: slower, same hashes.

    `shown` lets uv draw its progress. A lock names all that is needed: nothing else is asked for.
    """
    hashed = ["--no-deps", "--require-hashes", "--requirement", lock]
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, *hashed]
    if install_uv() and succeeds(*uv, *([] if shown else ["--quiet"]), shown=shown):
        return
    say("uv could not install the packages; trying with pip, which takes some minutes")
    run("installing the packages", *PIP, *hashed)


def install_project() -> None:
    """Installs this project in place, built by the locked setuptools."""
    run("installing the project", *PIP, "--no-deps", "--no-build-isolation", "--editable", ".")


def say(what: str) -> None:
    """Prints one line of progress at once."""
    print(what, flush=True)


def install() -> bool:
    """Makes .venv and installs the workshop in it; False when there was nothing to do."""
    if is_installed():
        return False
    say(f"Installing {count(LOCK)} packages into .venv, once (10 s to 3 min)...")
    make_venv()
    install_locked(LOCK)
    install_project()
    STAMP.write_text(wanted_stamp())
    HALF_MADE.unlink()
    return True


def install_extra(name: str) -> bool:
    """Installs one extra beside the workshop; False when there was nothing to do."""
    lock, stamp = ROOT / f"requirements-{name}.lock", VENV / f".installed-{name}"
    if not lock.exists():
        known = sorted(path.stem.partition("-")[2] for path in ROOT.glob("requirements-*.lock"))
        sys.exit(f"There is no extra {name!r}; name one of these: {', '.join(known)}")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    say(ABOUT.get(name, f"The extra {name!r}: {count(lock)} packages, most of them there already."))
    say("Installing it into .venv, once...")
    install_locked(lock, shown=True)
    stamp.write_text(wanted)
    return True


def main(extras: list[str]) -> None:
    """Installs what is missing; says what it does and how long it took."""
    start_s = time.monotonic()
    if any([install(), *map(install_extra, extras)]):
        say(f"Installed in {time.monotonic() - start_s:.0f} s.")


if __name__ == "__main__":
    if os.name == "nt":
        sys.exit("The workshop needs Linux or macOS. On Windows: open this folder in WSL.")
    if sys.version_info < (3, 11):  # noqa: UP036 (an older one may be given by PYTHON=)
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"The workshop needs Python 3.11 or newer; {sys.executable} is {found}. Name a "
            "newer one: make lab PYTHON=/path/to/python3"
        )
    main(sys.argv[1:])
