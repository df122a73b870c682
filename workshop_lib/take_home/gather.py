"""Which files a file needs beside it, in the project's three languages."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELATIVE = re.compile(r"""(?:from|import) ['"](\.{1,2}/[\w./-]+)['"]""")


def with_what_it_needs(file: Path) -> list[Path]:
    """Return a file of this project, and each one that it imports, directly or not."""
    needed = needed_by_python if file.suffix == ".py" else needed_by_script
    return sorted(_closure(file, needed))


def needed_by_python(file: Path) -> Iterator[Path]:
    """Yield the project's modules that a module imports, and the packages they lie in."""
    for name in imported(file):
        path = ROOT.joinpath(*name.split("."))
        for found in (path.with_suffix(".py"), path / "__init__.py"):
            if found.exists():
                yield found
    package = file.parent / "__init__.py"
    if package.exists() and file.parent != ROOT:
        yield package


def needed_by_script(file: Path) -> Iterator[Path]:
    """Yield the files that a module in JavaScript or TypeScript imports by a relative path."""
    for path in RELATIVE.findall(file.read_text()):
        found = (file.parent / path).resolve()
        yield from (
            one
            for one in (found, *(found.with_suffix(s) for s in (".ts", ".tsx")))
            if one.is_file()
        )


def imported(file: Path) -> Iterator[str]:
    """Yield the full names that a Python module imports, from its own project and from others."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages_of(files: list[Path]) -> set[str]:
    """Return the packages of others that Python files import, by their names in imports."""
    tops = {name.partition(".")[0] for file in files for name in imported(file)}
    return {top for top in tops - sys.stdlib_module_names if not (ROOT / top).exists()}


def _closure(file: Path, needed: Callable[[Path], Iterator[Path]]) -> set[Path]:
    found, waiting = set[Path](), [file]
    while waiting:
        found.add(one := waiting.pop())
        waiting += [path for path in needed(one) if path not in found]
    return found
