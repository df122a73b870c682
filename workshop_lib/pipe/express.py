"""The workshop's servers in Express: the commands that start them, and what they print."""

import re

from workshop_lib.pipe.node import EXPRESS, install_packages, node_program


def express_server(name: str, mark: int | None = None, *, watched: bool = False) -> list[str]:
    """Return the command that serves `servers/express/<name>.mjs`.

    With `watched` it prints four times a second the bytes in its fullest write buffer, for
    `writable_lengths`; `mark` is then the high-water mark of its streams (bytes; None: Node's own).
    Raises RuntimeError when npm's packages cannot be installed.
    """
    install_packages()
    command = [node_program(), str(EXPRESS / f"{name}.mjs")]
    if watched or mark:
        watch = (EXPRESS / "watch_writable.mjs").as_uri()
        command[1:1] = ["--import", f"{watch}?mark={mark}" if mark else watch]
    return command


def writable_lengths(printed: str) -> list[int]:
    """Return the bytes in the fullest write buffer, look by look, from what a server printed."""
    return [int(length) for length in re.findall(r"^writableLength (\d+)$", printed, re.MULTILINE)]
