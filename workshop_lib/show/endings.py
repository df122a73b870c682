"""What a user sees of each ending: with a chat that swallows errors, and with the page's own."""

import json
import subprocess
from collections.abc import Iterable
from typing import TypedDict

from workshop_lib.pipe.endings import serving_endings
from workshop_lib.pipe.node import REACT, node_program
from workshop_lib.show.table import show_table
from workshop_lib.show.units import count

SWALLOWING = REACT / "endings" / "swallowing.mjs"
_COMPARE = REACT / "endings" / "compare.mjs"
_HEAD = ("the answer", "a chat that swallows errors", "ours")
_TIMEOUT_S = 60


class Seen(TypedDict):
    """What stands on the screen when nothing more comes."""

    text: str
    says: str


def compare_chats() -> int:
    """Let two chats read the same answers from running servers, and show what is seen in the end.

    Returns of how many failures the first one tells. Raises RuntimeError when Node cannot run them.
    """
    with serving_endings() as urls:
        seen = _in_node(urls.values())
    rows = [
        (name, _words(both["swallowing"]), _words(both["ours"]))
        for name, both in zip(urls, seen, strict=True)
    ]
    show_table(_HEAD, rows)
    return sum("error" in both["swallowing"]["says"] for both in seen)


def _in_node(urls: Iterable[str]) -> list[dict[str, Seen]]:
    command = [node_program(), "--no-warnings", str(_COMPARE), *urls]
    ended = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=_TIMEOUT_S
    )
    if ended.returncode:
        raise RuntimeError(
            f"Node could not run {_COMPARE.name}: {ended.stderr.strip()[-500:]} "
            "Run `make install`, then this cell again."
        )
    return json.loads(ended.stdout)


def _words(seen: Seen) -> str:
    return f"{count(seen['text'].count('#'), 'token')}, {seen['says']}"
