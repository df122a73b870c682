"""The chat of the React page in a tab that nobody looks at: Node runs it, and no frame is drawn."""

import json
import os
import subprocess
import tempfile
import time
from typing import NamedTuple, Self

from workshop_lib.pipe.node import REACT, node_program

PAGE = REACT / "mysteries" / "page.mjs"
START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 3.0
LOOK_S = 0.02


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
    `./frames=framesOnly.ts`. A context manager: it has asked once it is entered, and the looks are
    there when it has been left.
    """

    def __init__(self, url: str, swap: str = "") -> None:
        self.looks: list[Look] = []
        self._command = [node_program(), "--no-warnings", str(PAGE), url, swap]

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a stop button must not end it before it is read
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        # its start takes a core for a while, which would be missed in what is measured beside it
        while not (self.so_far() or self.ended) and time.monotonic() < deadline_s:
            time.sleep(LOOK_S)
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
            self.looks = self.so_far()
            errors = [line for line in self._words().splitlines() if "Error" in line]
        if process.returncode and problem is None:
            raise RuntimeError(f"Node ended early: {' '.join(errors[:1])}. Run `make install`.")

    @property
    def ended(self) -> bool:
        """Tell whether its process has ended."""
        return self._process.poll() is not None

    def so_far(self) -> list[Look]:
        """Return the looks that it has had."""
        whole_lines = self._words().rpartition("\n")[0].splitlines()
        return [Look(**json.loads(line)) for line in whole_lines if line.startswith("{")]

    def _words(self) -> str:
        # read() would move the place where Node writes, which is the same for both
        said = self._said.fileno()
        return os.pread(said, os.fstat(said).st_size, 0).decode(errors="replace")
