"""What all tests share: the system parts, and one loud line for each reason to skip."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests import system_parts
from tests.patients.catalogue import PATIENTS
from tests.patients.patient import NODE, Patient
from workshop_lib.pipe.node import build_page, install_packages, node_program


@pytest.fixture(scope="session", autouse=True)
def progress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of what is done: not the one of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as environment:
        path = tmp_path_factory.mktemp("progress") / "progress.json"
        environment.setenv("WORKSHOP_PROGRESS", str(path))
        yield path


@pytest.fixture(scope="session", autouse=True)
def no_llm_named() -> Iterator[None]:
    """Pages ask the fake LLM, whatever the environment of whoever runs the tests names."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("OPENAI_BASE_URL", raising=False)
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium that starts; without one the test is skipped, or fails with CI=true."""
    return found(
        system_parts.find_chromium(),
        "there is no Chromium. Run `make test`, or name one: CHROMIUM=/path/to/chromium",
    )


@pytest.fixture(scope="session")
def redis_program() -> str:
    """Path of redis-server; without it the test is skipped, or fails with CI=true."""
    return found(
        system_parts.find_redis(),
        "there is no redis-server. Run `make test` as root, or install Redis",
    )


@pytest.fixture(scope="session")
def nginx() -> str:
    """Path of an nginx that starts; without it the test is skipped, or fails with CI=true."""
    return found(
        system_parts.find_nginx(),
        "there is no nginx. Run `make test` as root, or install nginx",
    )


@pytest.fixture(scope="session")
def node() -> str:
    """Path of Node, with the packages of servers/express; without them skip, or fail with CI."""
    prepared(install_packages)
    return node_program()


@pytest.fixture(scope="session")
def patients() -> list[Patient]:
    """Every server of known truth, with the packages of those on Node; without: skip or fail."""
    prepared(lambda: install_packages(NODE))
    return PATIENTS


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the React page as the servers serve it; unbuilt: skip, or fail with CI."""
    return prepared(build_page)


def prepared(prepare: Callable[[], Path]) -> Path:
    try:
        return prepare()
    except RuntimeError as problem:
        missing(str(problem))


def found(path: str | None, reason: str) -> str:
    return path or missing(reason)


def missing(reason: str) -> NoReturn:
    if system_parts.in_ci():
        pytest.fail(f"CI=true allows no skipping, and {reason}")
    pytest.skip(reason)


def pytest_collection_finish() -> None:
    """Keeps what is there for good from the collector: many tests collect what is new."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints each reason why tests were skipped, so that no gap goes unseen."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [r.longrepr[2] for r in reports if isinstance(r.longrepr, tuple)]
    for reason in sorted(set(reasons)):
        count = reasons.count(reason)
        terminalreporter.write_line(f"NOT CHECKED ({count} tests): {reason}", red=True, bold=True)
