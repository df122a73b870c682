"""The React page is built once for its sources, and served where it is built."""

import json
import re
import shutil
from pathlib import Path
from urllib.request import urlopen

import pytest

from servers import step2_fixed
from servers.common import make_app
from workshop_lib.pipe import node
from workshop_lib.pipe.node import build_page
from workshop_lib.pipe.server import ServerThread

BUILD_JS = """import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
mkdirSync('dist', { recursive: true })
writeFileSync('dist/index.html', readFileSync('src/page.txt'))
"""


@pytest.fixture
def folder(tmp_path: Path, node: str) -> Path:
    """A page that is built by copying a file, from a lock without packages."""
    package = {"name": "page", "type": "module", "scripts": {"build": "node build.js"}}
    lock = {"name": "page", "lockfileVersion": 3, "requires": True, "packages": {"": package}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "build.js").write_text(BUILD_JS)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "page.txt").write_text("one")
    return tmp_path


def test_it_is_built_once_for_its_sources(folder: Path):
    index = build_page(folder) / "index.html"
    assert index.read_text() == "one"
    built_ns = index.stat().st_mtime_ns
    build_page(folder)
    assert index.stat().st_mtime_ns == built_ns
    (folder / "src" / "page.test.txt").write_text("a test is not built")
    (folder / ".cache").mkdir()
    build_page(folder)
    assert index.stat().st_mtime_ns == built_ns


@pytest.mark.parametrize("changed", ["src/page.txt", "src/deep/new.txt", "build.js"])
def test_it_is_built_again_when_a_source_changes(folder: Path, changed: str):
    index = build_page(folder) / "index.html"
    index.unlink()
    path = folder / changed
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    build_page(folder)
    assert index.exists()


def test_a_page_that_was_deleted_is_built_again(folder: Path):
    shutil.rmtree(build_page(folder))
    assert (build_page(folder) / "index.html").read_text() == "one"


def test_what_cannot_be_built_is_a_sentence_and_is_tried_again(folder: Path):
    (folder / "build.js").write_text("throw new Error('a mistake in the page')")
    with pytest.raises(RuntimeError, match=r"(?s)a mistake in the page.*run `make install`"):
        build_page(folder)
    (folder / "build.js").write_text(BUILD_JS)
    assert (build_page(folder) / "index.html").exists()


def test_without_npm_what_needs_no_node_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fails(*_: object) -> Path:
        raise RuntimeError("the registry is not there. Run `make install` later.")

    monkeypatch.setattr(node, "install_packages", fails)
    node.main()
    assert "Run `make install` later." in capsys.readouterr().err


@pytest.mark.usefixtures("built_page")
def test_the_page_and_its_parts_are_served():
    env = {"OPENAI_API_KEY": "sk-none"}
    with ServerThread(lambda: make_app(step2_fixed.chat), env=env) as server:
        with urlopen(f"{server.url}/?prompt=hello") as page:
            assert page.headers.get_content_type() == "text/html"
            parts = re.findall(r'"\./(assets/[^"]+)"', page.read().decode())
        assert {part.rpartition(".")[2] for part in parts} == {"js", "css"}
        for part in parts:
            with urlopen(f"{server.url}/{part}") as sent:
                assert sent.read()
