"""Does a growing answer fall into blocks that stay? Counted in characters that are parsed again."""

import inspect
import re
from itertools import accumulate
from typing import Any

from markdown_it import MarkdownIt

from workshop_lib.exercises.calling import watched
from workshop_lib.exercises.contract import NotYet

TOPIC = """## Topic {n}

A paragraph about topic {n}, of two lines, with **bold** words
and `code` in it.

- a list of topic {n}
- its second item
  - and a part of that

```py
def topic_{n}():
    first = {n}

    return first
```

1. An item of a list whose items stand apart.

2. Its second item.

   A second paragraph of the second item.

| topic | number |
|---|---|
| {n} | one |
| {n} | two |

The last words on topic {n}.

"""
ANSWER = "".join(TOPIC.format(n=n) for n in range(1, 11))
TIMES_THE_LONGEST = 4
ADVICE = {
    "fence": "A blank line between two fences is code: what is open is not finished.",
    "ordered_list_open": (
        "A list can go on after a blank line: whether it does, the next line tells by its first "
        "character."
    ),
    "table_open": "The rows of a table belong together: no blank line is between them.",
}
ELSE = "Only a blank line can end one."
NAMES = {"p": "paragraph", "ol": "list", "ul": "list", "code": "piece of code", "h2": "title"}
RETURN = "Let it return a list of texts, at once."


async def judge_blocks(attempt: Any) -> str:
    if not inspect.isfunction(attempt):
        raise NotYet(
            f"The check got {attempt!r}. Give it your function by its name, without parentheses."
        )
    texts = list(accumulate(re.findall(r"\s*\S+", ANSWER)))
    grown = watched(attempt, lambda: [_blocks(attempt, text) for text in texts], RETURN)
    _check_ends(grown[-1])
    parsed = [_parsed(before, now) for before, now in zip([[], *grown], grown, strict=False)]
    _check_work(max(parsed))
    return (
        f"An answer of {len(ANSWER):,} characters came in {len(texts)} tokens. Your blocks had "
        f"{sum(parsed):,} characters parsed, {max(parsed)} at most for a token; all of the answer "
        f"for each token is {sum(map(len, texts)):,}."
    )


def _blocks(attempt: Any, text: str) -> list[str]:
    blocks = attempt(text)
    if not isinstance(blocks, list) or not all(isinstance(block, str) for block in blocks):  # pyright: ignore[reportUnknownVariableType]
        raise NotYet(f"Your function returned {blocks!r:.80}. {RETURN}")
    if "".join(blocks) != text:  # pyright: ignore[reportUnknownArgumentType]
        raise NotYet(
            f"Of {text[-60:]!r} your function made {blocks[-2:]!r}: one after the other they are "
            "not the text any more. Lose no character, blank lines included."
        )
    return blocks  # pyright: ignore[reportUnknownVariableType]


def _check_ends(blocks: list[str]) -> None:
    """No block may end inside of what Markdown takes for one."""
    ends = set(accumulate(map(len, blocks)))
    starts = [0, *accumulate(map(len, ANSWER.splitlines(keepends=True)))]
    for token in MarkdownIt("commonmark").enable("table").parse(ANSWER):
        if token.level or token.nesting < 0 or not token.map:
            continue
        begin, end = (starts[line] for line in token.map)
        if torn := [at for at in sorted(ends) if begin < at < len(ANSWER[:end].rstrip())]:
            advice = ADVICE.get(token.type, ELSE) if torn[0] in starts else ELSE
            raise NotYet(
                f"A block ends inside of a {NAMES.get(token.tag, token.tag)}, behind "
                f"{ANSWER[begin : torn[0]][-40:]!r}: parsed alone, its halves look different. "
                f"{advice}"
            )


def _parsed(before: list[str], now: list[str]) -> int:
    """Return how many characters are in blocks that have changed, or are new."""
    finished = before[:-1]
    if now[: len(finished)] != finished:
        old = next(block for block, new in zip(finished, now, strict=False) if block != new)
        raise NotYet(
            f"The block {old[:40]!r} was finished, for another one came behind it, and has changed "
            "since. Finish a block only when no text that comes can belong to it."
        )
    same = len(before) if now[: len(before)] == before else len(finished)
    return sum(map(len, now[same:]))


def _check_work(most: int) -> None:
    longest = max(map(len, ANSWER.split("\n\n")))
    if most > TIMES_THE_LONGEST * longest:
        raise NotYet(
            f"For one token {most:,} characters were parsed, of an answer of {len(ANSWER):,}, "
            f"whose paragraphs have {longest} at most. Return more blocks: all but the last are "
            "parsed once and kept."
        )
