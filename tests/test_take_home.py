"""What is taken home works there: alone, with the requirements it names, and in a workflow."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.mechanism import nothing_left
from workshop_lib.doctor.command import stream_doctor
from workshop_lib.doctor.workflow import workflow
from workshop_lib.take_home.folder import WORKFLOW, take_home
from workshop_lib.take_home.gather import RELATIVE, ROOT

pytestmark = pytest.mark.measures

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXTS = (".md", ".mjs", ".py", ".toml", ".ts", ".txt", ".yml")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("learner") / "my_chat"
    take_home(home)
    return home


@pytest.fixture(scope="module")
def steps(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """The workflow's steps that run a command, after the first of them have been run.

    As on a fresh machine: a Python with nothing but pip, and no variable that leads back here.
    """
    fresh = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", f"{fresh / 'bin'}{os.pathsep}{os.environ['PATH']}")
        environment.delenv("PYTHONPATH", raising=False)
        environment.delenv("VIRTUAL_ENV", raising=False)
        jobs = yaml.safe_load((home / WORKFLOW).read_text())["jobs"]
        *before, last = [step for step in jobs["examine"]["steps"] if "run" in step]
        for step in before:
            assert run(step, home) == 0
        yield [*before, last]


def run(step: dict[str, Any], home: Path, more: str = "") -> int:
    """Runs a step as GitHub does, and returns its exit status."""
    folder = home / step.get("working-directory", ".")
    ended = subprocess.run(
        ["bash", "-e", "-c", step["run"] + more],
        cwd=folder, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    print(ended.stdout[-3000:], ended.stderr[-3000:])
    return ended.returncode


def test_the_workflow_finds_no_harm_in_the_server_that_is_taken_home(
    steps: list[dict[str, Any]], home: Path
) -> None:
    with nothing_left():
        assert run(steps[-1], home) == 0
    assert (home / "aiohttp" / "stream-doctor.html").read_text().count("<article") == 17
    assert (home / "aiohttp" / "stream-doctor.xml").exists()


def test_the_workflow_stops_a_change_that_hoards(
    steps: list[dict[str, Any]], home: Path, tmp_path: Path
) -> None:
    changed = Path(shutil.copytree(home, tmp_path / "changed"))
    broken = (ROOT / "servers" / "step1_broken.py").read_text()
    (changed / "aiohttp" / "servers" / "step4_production.py").write_text(broken)
    assert run(steps[-1], changed, " --only backpressure") == 1


@pytest.mark.usefixtures("node")
def test_the_express_server_runs_where_only_its_packages_are(home: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(home / "express", tmp_path / "express"))
    (alone / "node_modules").symlink_to(ROOT / "servers" / "express" / "node_modules")
    options = ["--quick", "--only", "cancel_streaming"]
    command = f"node {alone / 'step4_production.mjs'}"
    assert CliRunner().invoke(stream_doctor, ["--run", command, *options]).exit_code == 0


def test_the_fastapi_server_imports_nothing_that_was_left_behind(home: Path) -> None:
    code = "import servers.fastapi.step4_production, sys; print(sys.modules['servers'].__file__)"
    env = {**os.environ, "OPENAI_API_KEY": "x"}
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=home / "fastapi", env=env, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.strip() == str(home / "fastapi" / "servers" / "__init__.py")


def test_the_hook_has_all_that_it_imports(home: Path) -> None:
    files = sorted((home / "react").iterdir())
    assert "useStreamingChat.ts" in [file.name for file in files]
    for file in files:
        for path in RELATIVE.findall(file.read_text()):
            assert (home / "react" / f"{path}.ts").exists(), f"{file.name} imports {path}"


def test_every_file_and_folder_that_the_page_names_is_there(home: Path) -> None:
    page = (home / "README.md").read_text()
    table = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = " ".join(table).replace(",", "").split()
    assert len(named) == 7
    assert all((home / name.strip("`")).exists() for name in named)
    texts = [file for kind in TEXTS for file in home.rglob(f"*{kind}")]
    assert str(ROOT) not in "".join(file.read_text() for file in texts)


def test_the_doctors_needs_agree_with_the_projects() -> None:
    doctor = tomllib.loads((ROOT / "workshop_lib/take_home/files/doctor.toml").read_text())
    assert set(doctor["project"]["dependencies"]) <= set(PYPROJECT["project"]["dependencies"])
    scripts = doctor["project"]["scripts"]
    assert scripts == PYPROJECT["project"]["scripts"]


def test_an_installed_package_has_every_file_that_is_not_python() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["workshop_lib"]
    library = ROOT / "workshop_lib"
    files = [path for path in library.rglob("*") if path.is_file()]
    others = [f for f in files if f.suffix not in (".py", ".pyc")]
    assert others
    for path in others:
        name = path.relative_to(library).as_posix()
        assert any(fnmatch(name, pattern.replace("**/", "*")) for pattern in patterns), name


def test_a_folder_that_holds_something_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    take_home(tmp_path)
    assert "is not empty, and is left as it is. Name a folder that" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_line_prints_a_workflow_with_its_own_options() -> None:
    options = ["--run", "node it's.mjs", "--header", "A: b: c", "--skip", "crowd", "--quick"]
    printed = CliRunner().invoke(stream_doctor, [*options, "--workflow"]).output
    assert printed == workflow(options)
    steps = yaml.safe_load(printed)["jobs"]["examine"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands[1] == "npm ci"
    words = subprocess.run(
        ["bash", "-c", commands[2].replace("stream-doctor", "printf '%s\\n'", 1)],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert words[: len(options)] == options
