"""Write the folder to take home: python -m workshop_lib.take_home.folder my_chat."""

import shutil
import sys
import tomllib
from pathlib import Path

from workshop_lib.cases.card import save_card
from workshop_lib.doctor.workflow import workflow
from workshop_lib.take_home.gather import ROOT, packages_of, with_what_it_needs

FILES = Path(__file__).parent / "files"
STEP = "step4_production"
PYTHON_SERVERS = {
    "aiohttp": ROOT / "servers" / f"{STEP}.py",
    "fastapi": ROOT / "servers" / "fastapi" / f"{STEP}.py",
}
EXPRESS = ROOT / "servers" / "express"
HOOK = ROOT / "react_client" / "src" / "useStreamingChat.ts"
README = "README.md"
DOCTOR = ("doctor", "pipe")
WORKFLOW = Path(".github") / "workflows" / "stream-doctor.yml"
ORDERS = ("--run", f"python -m servers.{STEP}", "--quick")


def take_home(folder: Path | str) -> None:
    """Write everything into a folder, and say where it is; one that holds something stays."""
    home = Path(folder)
    if home.exists() and any(home.iterdir()):
        print(f"{home} is not empty, and is left as it is. Name a folder that does not exist yet.")
        return
    write_home(home)
    print(f"{home} is yours. Begin with {home / README}; it holds:")
    print("\n".join(f"  {one}" for one in sorted(path.name for path in home.iterdir())))


def write_home(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for name, server in PYTHON_SERVERS.items():
        _python_server(home / name, server)
    _copy(with_what_it_needs(EXPRESS / f"{STEP}.mjs"), EXPRESS, home / "express")
    _copy([EXPRESS / "package.json", EXPRESS / "package-lock.json"], EXPRESS, home / "express")
    _copy(with_what_it_needs(HOOK), HOOK.parent, home / "react")
    _doctor(home / "doctor")
    install = "python -m pip install --requirement aiohttp/requirements.txt"
    _write(home / WORKFLOW, workflow(ORDERS, install=install, folder="aiohttp"))
    shutil.copy(FILES / README, home)
    save_card(home)


def _python_server(home: Path, server: Path) -> None:
    """Copy a server with its modules, and write down what it needs of others."""
    files = with_what_it_needs(server)
    _copy(files, ROOT, home)
    _write(home / "requirements.txt", "".join(f"{line}\n" for line in requirements(files)))


def requirements(files: list[Path]) -> list[str]:
    """Return what pip has to install for Python files of this project, with its bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = {line.partition(">")[0].replace("-", "_"): line for line in project["dependencies"]}
    return sorted(bounds[name] for name in packages_of(files) if name in bounds)


def _doctor(home: Path) -> None:
    """Copy the doctor as a project that pip installs, without the workshop around it."""
    library = ROOT / "workshop_lib"
    _copy([library / "__init__.py", ROOT / "LICENSE"], ROOT, home)
    for part in DOCTOR:
        ignored = shutil.ignore_patterns("__pycache__", "notebook.py")
        shutil.copytree(library / part, home / "workshop_lib" / part, ignore=ignored)
    shutil.copy(FILES / "doctor.toml", home / "pyproject.toml")


def _copy(files: list[Path], base: Path, home: Path) -> None:
    for file in files:
        _write(home / file.relative_to(base), file.read_text())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name one folder, which does not exist yet.")
    take_home(sys.argv[1])
