"""A learner's code as text: is it the starter, and which of its lines is to blame?"""

import ast
import inspect
import linecache
import re
import textwrap
import traceback
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

Place = tuple[str, int]  # a file, or what a notebook calls a cell, and a line in it


def text_of(code: Any, variable: str = "") -> str:
    """Return a function's source, or the assignment of a value to `variable`."""
    if not variable:
        return textwrap.dedent(inspect.getsource(code))
    is_long = isinstance(code, str) and "\n" in code
    return f'{variable} = """{code}"""' if is_long else f"{variable} = {code!r}"


def put_in_place_of(starter: Callable[..., Any], answer: Callable[..., Any]) -> str:
    """Return a function under another's name, with the imports that it needs and the other not."""
    text = re.sub(rf"\b{answer.__name__}\b", starter.__name__, text_of(answer))
    needed = _names(text) - _names(text_of(starter))
    imports = [_line(node, needed) for node in _imports(answer) if _bound(node) & needed]
    return "\n".join([*imports, "", "", text] if imports else [text])


def same(attempt: Any, starter: Any) -> bool:
    """Tell whether an attempt is the starter, whatever its name, comments and spaces are."""
    if attempt is starter:
        return True
    if inspect.isfunction(attempt) and inspect.isfunction(starter):
        tree = _tree(attempt)
        return tree is not None and tree == _tree(starter)
    return type(attempt) is type(starter) and bool(attempt == starter)


def in_words(problem: BaseException, attempt: Callable[..., Any]) -> str:
    """Return an error's type and text, with the line of the learner's code that it went through."""
    name, text = type(problem).__name__, str(problem)
    said = f"{name}: {text}" if text else name
    return said + line_in(attempt, places_of(problem))


def line_in(attempt: Callable[..., Any], places: Iterable[Place]) -> str:
    """Return the last place in the attempt's own file as words to end a phrase with."""
    own = [place for place in places if place[0] == file_of(attempt)]
    if not own:
        return ""
    file, line = own[-1]
    return f", in line {line} of your code: `{linecache.getline(file, line).strip()}`"


def places_of(problem: BaseException) -> list[Place]:
    """Return where an error came through, outermost first."""
    return [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(problem.__traceback__)
    ]


def places_in(frame: FrameType | None) -> list[Place]:
    """Return where a running thread is, outermost first; nothing for one that has ended."""
    if frame is None:
        return []
    return [(at.f_code.co_filename, line) for at, line in traceback.walk_stack(frame)][::-1]


def file_of(attempt: Callable[..., Any]) -> str | None:
    """Name the file, or the cell, that holds a function; None for other callables."""
    return attempt.__code__.co_filename if inspect.isfunction(attempt) else None


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _imports(function: Callable[..., Any]) -> list[ast.Import | ast.ImportFrom]:
    module = ast.parse(inspect.getsource(inspect.getmodule(function) or function))
    return [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]


def _bound(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {alias.asname or alias.name for alias in node.names}


def _line(node: ast.Import | ast.ImportFrom, names: set[str]) -> str:
    node.names = [alias for alias in node.names if (alias.asname or alias.name) in names]
    return ast.unparse(node)


def _tree(function: Callable[..., Any]) -> str | None:
    try:
        definition = ast.parse(text_of(function)).body[0]
    except (OSError, SyntaxError):  # no source to be had: typed at a prompt, say
        return None
    if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        definition.name = ""
        if ast.get_docstring(definition) is not None:
            del definition.body[0]
    return ast.dump(definition)
