"""Wrong answers to the two exercises of lesson 05, with what is said of them."""

import re
from typing import Any

from workshop_lib.exercises.lesson05 import lossless_batcher

COPY = "    const text = pending\n"
CLEAR = "    pending = ''\n"
HAND_ON = "    if (text) update((shown) => shown + text)\n"
TAKE = COPY + CLEAR + HAND_ON
TIMER = "      timer ??= setTimeout(flush, 250)\n"


def but(before: str, after: str) -> str:
    """Return the solution with a piece replaced."""
    assert before in lossless_batcher
    return lossless_batcher.replace(before, after)


BATCHERS: dict[Any, str] = {
    but(TAKE, CLEAR + "    update((shown) => shown + pending)\n"): "0 of 400 tokens reached",
    but(TAKE, "    update((shown) => shown + pending)\n"): "#0 is on the screen 101 times.",
    but(TAKE, COPY + HAND_ON + "    queueMicrotask(() => { pending = '' })\n"): (
        "the first that is missing is #4. Here some tokens come between a frame and"
    ),
    but(TAKE, COPY + "    update((shown) => { pending = ''; return shown + text })\n"): (
        "Take the text and empty the batch in the same breath"
    ),
    but(TAKE, f"    update((shown) => {{\n{COPY}{CLEAR}    return shown + text }})\n"): (
        "In StrictMode React runs an updater twice"
    ),
    but(TIMER, ""): "0 of 12 tokens reached the screen; the first that is missing is #0. A hidden",
    but("    end: flush,\n", "    end() {},\n"): "0 of 4 tokens reached the screen",
    but("    end: flush,\n", "    end() { update((shown) => shown + pending) },\n"): (
        "#0 is on the screen 2 times. Empty the batch when its text is handed on"
    ),
    but("shown + text)", "text + shown)"): "The tokens are out of order: '#3",
    "function makeBatcher(update) { return { add: (t) => update((s) => s + t), end() {} } }": (
        "in 400 commits for 100 frames. Nobody sees what is between two frames"
    ),
    "function makeBatcher(update) { while (true) {} }": "Your code was still busy after 15 s.",
    "function makeBatcher(update) { return }": "returns no object with add and end. Repair that.",
    "function makeBatcher(update) { retur {": "Your code raised SyntaxError: Unexpected token '{'.",
    "process.exit(3)": "Node ended with: no words. Repair that.",
    len: "Give it your JavaScript as a text.",
}


def never_splits(text: str) -> list[str]:
    return [text]


def drops_blank_lines(text: str) -> list[str]:
    return text.split("\n\n")


def splits_at_each_line(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def splits_by_length(text: str) -> list[str]:
    return [text[at : at + 300] for at in range(0, len(text), 300)]


def minds_fences_only(text: str) -> list[str]:
    blocks, in_code = [""], False
    for line in text.splitlines(keepends=True):
        blocks[-1] += line
        in_code ^= line.startswith("```")
        if line.isspace() and not in_code:
            blocks.append("")
    return blocks


def splits_at_titles(text: str) -> list[str]:
    return re.split(r"(?m)^(?=## )", text)


def changes_its_mind(text: str) -> list[str]:
    """Takes the last paragraph for finished until another one comes."""
    *blocks, last = re.split(r"(?<=\n\n)(?=[#A-Z|`-])", text)
    return [*blocks, last] if len(blocks) % 2 else ["".join(blocks), last]


def gives_no_list(text: str) -> str:
    return text


def raises(text: str) -> list[str]:
    raise LookupError("no block")


def turns_for_ever(text: str) -> list[str]:
    while True:
        pass


BLOCKS: dict[Any, str] = {
    never_splits: "were parsed, of an answer of",
    drops_blank_lines: "one after the other they are not the text any more.",
    splits_at_each_line: "A block ends inside of a paragraph, behind",
    splits_by_length: "Only a blank line can end one.",
    minds_fences_only: "A block ends inside of a list, behind",
    splits_at_titles: "Return more blocks: all but the last are parsed once and kept.",
    changes_its_mind: "was finished, for another one came behind it, and has changed",
    gives_no_list: "Let it return a list of texts",
    raises: "Your function raised LookupError: no block",
    turns_for_ever: "was still busy after 3 s",
    "blocks": "Give it your function by its name",
}
