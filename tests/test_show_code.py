"""Code and differences come from the files, and read the same on every machine."""

import importlib.util
import inspect
import re
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from servers import step1_broken, step2_fixed
from tests.show_kernel import ROOT
from workshop_lib.pipe.node import EXPRESS, REACT
from workshop_lib.show import code

Shown = list[tuple[str, str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Pairs of HTML and text, in place of a notebook's outputs."""
    outputs: Shown = []
    monkeypatch.setattr(code, "show", lambda html, text: outputs.append((html, text)))
    return outputs


def module_of(path: Path, source: str) -> ModuleType:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_module_is_shown_as_it_stands_in_its_file(shown: Shown):
    code.show_code(step2_fixed)
    ((html, text),) = shown
    file = Path(inspect.getfile(step2_fixed)).read_text().rstrip()
    assert text == f"servers/step2_fixed.py\n\n{file}"
    assert "servers/step2_fixed.py" in html
    assert '<span class="k">async</span>' in html


def test_a_function_is_shown_alone(shown: Shown):
    code.show_code(step2_fixed.chat)
    assert shown[0][1].startswith("servers/step2_fixed.py, chat()\n\nasync def chat(")
    assert "import" not in shown[0][1]


def test_a_changed_file_is_shown_as_it_is_now(shown: Shown, tmp_path: Path):
    module = module_of(tmp_path / "answer.py", "first = 1\n")
    code.show_code(module)
    (tmp_path / "answer.py").write_text("first = 1\nsecond = 2\n")
    code.show_code(module)
    assert [text for _, text in shown] == [
        "answer.py\n\nfirst = 1",
        "answer.py\n\nfirst = 1\nsecond = 2",
    ]


def test_a_difference_counts_its_lines(shown: Shown, tmp_path: Path):
    before = module_of(tmp_path / "before.py", "".join(f"line{n} = {n}\n" for n in range(9)))
    after = module_of(
        tmp_path / "after.py",
        "".join(f"line{n} = {n}\n" for n in range(9) if n != 4) + "last = 7 < 8\n",
    )
    code.show_diff(before, after)
    ((html, text),) = shown
    assert text.splitlines()[0] == "before.py → after.py: 1 line out, 1 line in"
    assert "-line4 = 4" in text
    assert "line0" not in text
    assert '<span class="gi">+last = 7 &lt; 8</span>' in html


def test_nothing_changed_is_said(shown: Shown):
    code.show_diff(step1_broken, step1_broken)
    assert "no line changed" in shown[0][1]


def test_outputs_are_the_same_everywhere(shown: Shown):
    for _ in range(2):
        code.show_diff(step1_broken, step2_fixed)
    assert shown[0] == shown[1]
    assert str(ROOT) not in "".join(shown[0])


@pytest.mark.parametrize("nowhere", [len, eval("lambda: 0")])
def test_what_is_in_no_file_is_refused_in_a_sentence(shown: Shown, nowhere: Any):
    with pytest.raises(ValueError, match="give a module or a function written in one"):
        code.show_code(nowhere)
    assert not shown


def test_files_of_any_language_are_shown_and_compared(shown: Shown, tmp_path: Path):
    step3 = EXPRESS / "step3_cancelling.mjs"
    code.show_code(step3)
    html, text = shown[0]
    assert text.startswith("servers/express/step3_cancelling.mjs\n\n// Stream, wait")
    assert '<span class="k">async' in html or '<span class="kd">async' in html
    other = tmp_path / "other.mjs"
    other.write_text(step3.read_text().replace("res.once(", "req.once("))
    code.show_diff(step3, other)
    assert shown[1][1].splitlines()[0] == (
        "servers/express/step3_cancelling.mjs → other.mjs: 1 line out, 1 line in"
    )
    with pytest.raises(ValueError, match="or the path of a file"):
        code.show_code(tmp_path / "none.mjs")


def test_typescript_is_shown_whole_or_one_function_of_it(shown: Shown):
    file = REACT / "src" / "streamCompletion.ts"
    code.show_code(file)
    code.show_code(file, "read")
    (_, whole), (html, part) = shown
    assert whole == f"react_client/src/streamCompletion.ts\n\n{file.read_text().rstrip()}"
    title, _, body = part.partition("\n\n")
    assert title == "react_client/src/streamCompletion.ts, read()"
    assert body.startswith("async function* read(body")
    assert body.endswith("\n}") and body.count("\n}") == 1
    assert body in whole
    assert '<span class="kr">async</span>' in html or '<span class="k">async</span>' in html
    code.show_code(REACT / "src" / "page" / "App.tsx")
    assert 'class="nt"' in shown[2][0] or "&lt;" in shown[2][0]
    with pytest.raises(ValueError, match=r"No function nothing\(\) stands"):
        code.show_code(file, "nothing")


@pytest.mark.parametrize("step", ["step1_broken", "step2_fixed", "step3_cancelling"])
def test_the_twins_of_a_step_are_shown_folded_as_they_stand_in_their_files(shown: Shown, step: str):
    code.show_twins(step)
    ((html, text),) = shown
    paths = [f"servers/express/{step}.mjs", f"servers/fastapi/{step}.py"]
    assert text == f"In your stack: {', '.join(paths)}"
    assert html.count("<details><summary>") == html.count("</details>") == 2
    told = re.sub(r"<[^>]+>", "", html)
    for path in paths:
        assert escape((ROOT / path).read_text().rstrip(), quote=False) in unescape_quotes(told)


def unescape_quotes(text: str) -> str:
    return text.replace("&#39;", "'").replace("&quot;", '"')


def test_a_step_without_twins_is_named(shown: Shown):
    with pytest.raises(ValueError, match="the path of a file in this project"):
        code.show_twins("step9_imagined")
