"""Arrivals as a line of signs, one for each tenth of a second: it reads the same in any theme."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from workshop_lib.pipe.hidden_page import Look
from workshop_lib.pipe.witness import Visit

SIGN_S = 0.1
LONGEST = 60
NOTHING, BYTES = "·", ":"
BARS = "▁▂▃▄▅▆▇█"
KEY = (
    f"One sign is {SIGN_S:g} s: {NOTHING} nothing came, {BYTES} bytes without a token, "
    f"{BARS[0]} one token up to {BARS[-1]} eight and more."
)
_ENDS = {
    "waiting": "no head",
    "open": "…",
    "complete": "[DONE]",
    "told": "error event",
    "unfinished": "end",
    "cut": "✕ cut",
}


class Strip(NamedTuple):
    """One line: whose it is, its signs, and how the answer ended."""

    name: str
    marks: str
    end: str


def strip_of(name: str, visit: Visit, until_s: float) -> Strip:
    """Draw when the tokens of an answer came; one that has not ended goes on until a moment."""
    signs = [NOTHING] * (1 + _place(visit.ended_s or until_s))
    tokens = [0] * len(signs)
    for arrival in visit.arrivals:
        tokens[place := _place(arrival.t_s)] += arrival.tokens
        signs[place] = _sign(tokens[place])
    return Strip(name, "".join(signs)[:LONGEST], _ENDS[visit.ended])


def strip_of_looks(name: str, looks: Sequence[Look]) -> Strip:
    """Draw when a page showed more tokens than before, look by look."""
    shown = [0, *(look.shown for look in looks)]
    steps = [later - earlier for earlier, later in itertools.pairwise(shown)]
    marks = "".join(_sign(step) if step > 0 else NOTHING for step in steps)
    return Strip(name, marks[:LONGEST], looks[-1].says.partition(":")[0] if looks else "")


def last_s(*visits: Visit) -> float:
    """Return the last moment at which anything came to one of them."""
    return max((arrival.t_s for visit in visits for arrival in visit.arrivals), default=0.0)


def _place(t_s: float) -> int:
    return int(t_s / SIGN_S)


def _sign(tokens: int) -> str:
    if not tokens:
        return BYTES
    return BARS[min(len(BARS), tokens) - 1]
