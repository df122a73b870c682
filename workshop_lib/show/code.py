"""Code and differences, shown from the files that run."""

import difflib
import inspect
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]

from workshop_lib.show.bundle import show

Code = ModuleType | Callable[..., Any] | Path
_ROOT = Path(__file__).resolve().parents[2]
_SERVERS = _ROOT / "servers"

# JupyterLab's own variables follow its theme; after the comma: a page without them
_COLORS = {
    ".k, .kn, .ow": "color: var(--jp-mirror-editor-keyword-color, #008000)",
    ".kc": "color: var(--jp-mirror-editor-atom-color, #008800)",
    ".s, .s1, .s2, .sa, .se, .si": "color: var(--jp-mirror-editor-string-color, #ba2121)",
    ".sd, .c1": "color: var(--jp-mirror-editor-comment-color, #408080)",
    ".mi, .mf": "color: var(--jp-mirror-editor-number-color, #008000)",
    ".nf, .nc, .fm": "color: var(--jp-mirror-editor-def-color, #0000ff)",
    ".nd": "color: var(--jp-mirror-editor-meta-color, #aa22ff)",
    # see-through, so that the text keeps the theme's contrast; the signs tell them apart too
    ".gd": "background: rgba(213, 94, 0, 0.25)",
    ".gi": "background: rgba(0, 114, 178, 0.25)",
    ".gu": "color: var(--jp-mirror-editor-comment-color, #408080)",
}
# twice the class: JupyterLab's own rule, which wraps, comes later and weighs as much as one
_UNWRAPPED = ".workshop-code.workshop-code pre {overflow-x: auto; white-space: pre}"
_CONTEXT_LINES = 2
_LANGUAGES = {".mjs": "javascript", ".js": "javascript", ".ts": "typescript", ".tsx": "tsx"}


def show_code(code: Code, part: str = "") -> None:
    """Show a module or a function as it stands in its file, or a file in any language.

    `part` names the one function of a JavaScript or TypeScript file that is to be shown.
    """
    source, title = _source(code), _title(code)
    if part:
        source, title = _part(source, part), f"{title}, {part}()"
    show(_page(title, source, _language(code)), f"{title}\n\n{source}")


def show_diff(before: Code, after: Code) -> None:
    """Show what changes from one to the other, and in how many lines."""
    show(*difference(before, after))


def difference(before: Code, after: Code) -> tuple[str, str]:
    """Return what changes from one to the other as HTML, and as text."""
    old, new = (_source(code).splitlines() for code in (before, after))
    # without the two lines that name the files
    differences = list(difflib.unified_diff(old, new, n=_CONTEXT_LINES, lineterm=""))[2:]
    removed = sum(line.startswith("-") for line in differences)
    added = sum(line.startswith("+") for line in differences)
    changed = f"{_lines(removed)} out, {_lines(added)} in" if differences else "no line changed"
    title = f"{_title(before)} → {_title(after)}: {changed}"
    # the numbers of lines in a hunk's header say nothing in a lesson
    text = "\n".join("⋯" if line.startswith("@@") else line for line in differences)
    return _page(title, text, "diff"), f"{title}\n\n{text}"


def show_twins(step: str) -> None:
    """Show a step of the ladder as it stands in Express and in FastAPI, folded."""
    twins = _SERVERS / "express" / f"{step}.mjs", _SERVERS / "fastapi" / f"{step}.py"
    folded = "".join(
        f"<details><summary>In your stack: {stack}</summary>"
        f"{_page(_title(twin), _source(twin), _language(twin))}</details>"
        for stack, twin in zip(("Express", "FastAPI"), twins, strict=True)
    )
    show(folded, "In your stack: " + ", ".join(_title(twin) for twin in twins))


def _source(code: Code) -> str:
    try:
        if isinstance(code, Path):
            return code.read_text().rstrip()
        return inspect.getsource(code).rstrip()
    except (OSError, TypeError):
        raise ValueError(
            f"There is no file to show {code!r} from: give a module or a function written in one, "
            "or the path of a file in this project."
        ) from None


def _title(code: Code) -> str:
    """Name the file as it is found in the repository, whatever the machine."""
    if isinstance(code, Path):
        file = code.resolve()
        return file.relative_to(_ROOT).as_posix() if file.is_relative_to(_ROOT) else file.name
    if isinstance(code, ModuleType):
        return code.__name__.replace(".", "/") + ".py"
    return f"{code.__module__.replace('.', '/')}.py, {code.__qualname__}()"


def _part(source: str, name: str) -> str:
    """Return a function at the top level: such files are formatted, so its brace ends a line."""
    start = r"^(?:export )?(?:default )?(?:async )?function\*? "
    found = re.search(rf"{start}{name}\(.*?^}}$", source, re.DOTALL | re.MULTILINE)
    if not found:
        raise ValueError(f"No function {name}() stands at the top level there: give another name.")
    return found[0]


def _language(code: Code) -> str:
    return _LANGUAGES[code.suffix] if isinstance(code, Path) and code.suffix != ".py" else "python"


def _page(title: str, text: str, language: str) -> str:
    rules = "".join(f".workshop-code :is({names}) {{{rule}}}" for names, rule in _COLORS.items())
    body = highlight(text, get_lexer_by_name(language), HtmlFormatter[str](nowrap=True))
    return (
        f"<style>{_UNWRAPPED} {rules}</style>"
        f'<div class="workshop-code"><b>{escape(title)}</b><pre>{body}</pre></div>'
    )


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"
