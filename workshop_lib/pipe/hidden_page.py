"""The chat of the React page in a tab that nobody looks at: Node runs it, and no frame is drawn."""

import json
import subprocess
import tempfile
from typing import NamedTuple, Self

from workshop_lib.pipe.node import REACT, node_program

PAGE = REACT / "mysteries" / "page.mjs"
STOP_TIMEOUT_S = 3.0


class Look(NamedTuple):
    """How the page stands: tokens parsed and tokens shown, messages, those without data.

    `says` is the chat's status, with the message of an error.
    """

    received: int
    shown: int
    messages: int
    empty: int
    says: str


class HiddenPage:
    """Reads the answer at `url` in a hidden tab; `looks` has how it stood, ten times a second.

    `swap` puts a file of react_client/mysteries in the place of one of the page's own, such as
    `./frames=framesOnly.ts`. A context manager; the looks are there when it has been left.
    """

    def __init__(self, url: str, swap: str = "") -> None:
        self.looks: list[Look] = []
        self._command = [node_program(), "--no-warnings", str(PAGE), url, swap]

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a stop button must not end it before it is read
        )
        return self

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        process = self._process
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with self._said:
            self._said.seek(0)
            said = self._said.read().splitlines()
        if process.returncode and problem is None:
            raise RuntimeError(f"Node ended early: {' '.join(said[-3:])}. Run `make install`.")
        self.looks = [Look(**json.loads(line)) for line in said if line.startswith("{")]
