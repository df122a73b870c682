"""Wrong answers to the two exercises of lesson 08, with what is said of them."""

from itertools import pairwise
from typing import Any

ALL_RIGHT = {
    "A": "proxy-gathers",
    "B": "nobody-waits",
    "C": "idle-limit",
    "D": "compression",
    "E": "leave-unseen",
    "F": "wait-without-end",
    "G": "frames-only",
    "H": "silent-end",
    "I": "comment-as-message",
    "J": "six-connections",
}


def named(**instead: str) -> str:
    """Returns the right causes with some others in their places."""
    return "\n".join(f"{letter}: {cause}" for letter, cause in (ALL_RIGHT | instead).items())


CAUSES: dict[Any, str] = {
    # proxies are always to blame
    named(D="proxy-gathers"): (
        "9 of 10 are right.\nD: proxy-gathers is excluded. Measured: 100% of the browser's tokens"
    ),
    # whatever ends early was cut by a load balancer
    named(H="idle-limit"): "H: idle-limit is excluded. Measured: the browser's answer ended as if",
    # the Stop button does not work
    named(F="leave-unseen"): "F: leave-unseen is excluded. Measured: the LLM went on for ",
    # a server that stalls is one whose loop is blocked
    named(J="blocked-loop"): "J: blocked-loop is excluded. Measured: the reader who keeps up got ",
    named(G="lossy-network", I="idle-limit"): "8 of 10 are right.\nG: lossy-network is excluded.",
    named(J=""): "9 of 10 are right. Name a cause for J.",
    named(B="a leak"): "No cause is called 'a leak'. Take one of proxy-gathers, ",
    "K: compression": "No case is called 'K'. Begin a line with one of A, B, ",
    "idle-limit, compression": "No case is called 'idle-limit, compression'.",
    7: "The check got 7. Give it a text, with a line for each case.",
}


def few_reads(arrivals: list[tuple[float, int]]) -> bool:
    return len(arrivals) < 20


def slow_pace(arrivals: list[tuple[float, int]]) -> bool:
    return sum(tokens for _, tokens in arrivals) < 20 * (arrivals[-1][0] or 1)


def large_reads(arrivals: list[tuple[float, int]]) -> bool:
    return max(tokens for _, tokens in arrivals) > 10


def long_gaps(arrivals: list[tuple[float, int]]) -> bool:
    came_s = [t_s for t_s, tokens in arrivals if tokens]
    return max((later - earlier for earlier, later in pairwise(came_s)), default=0.0) > 0.15


def uneven_gaps(arrivals: list[tuple[float, int]]) -> bool:
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(arrivals)]
    return max(gaps) > 3 * sum(gaps) / len(gaps)


def answers_with_a_share(arrivals: list[tuple[float, int]]) -> Any:
    return sum(tokens for _, tokens in arrivals) / len(arrivals)


BURSTS: dict[Any, str] = {
    few_reads: "It calls this a flow: a buffer that gave 20 tokens at a time",
    slow_pace: "an LLM 8 times as slow, whose tokens came one by one. Long gaps are no bursts",
    large_reads: "It calls this ",  # a busy machine may bring a large read, too
    long_gaps: "It calls this bursts: ",
    uneven_gaps: "It calls this bursts: ",
    answers_with_a_share: "Let it return True or False.",
    7: "The check got 7. Give it your function, without parentheses.",
}
