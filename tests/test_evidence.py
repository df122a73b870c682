"""What an examination comes down to: bursts, silences, and text that is not shown."""

import pytest

from workshop_lib.cases.evidence import (
    BURST_TOKENS,
    LOOKS_LATER,
    behind,
    bursts,
    held_share,
    last_silence_s,
)
from workshop_lib.pipe.hidden_page import Look
from workshop_lib.pipe.witness import Arrival, Visit


def visit(*arrivals: tuple[float, int], ended_s: float | None = None) -> Visit:
    """Returns an answer whose reads brought so many tokens at these seconds."""
    came = [Arrival(t_s, 30 * tokens, tokens) for t_s, tokens in arrivals]
    return Visit("tab 1", head_s=0.5, arrivals=came, ended_s=ended_s)


def look(received: int, shown: int) -> Look:
    """Returns how a page stands."""
    return Look(received, shown, received, 0, "streaming")


FLOW = [(0.025 * n, 1) for n in range(80)]
CLUMP = [(2.0, 40), (2.001, 40)]
JITTER = [(0.025 * n + (0.2 if n % 20 == 0 else 0), 1) for n in range(80)]


def test_reads_with_next_to_no_time_between_them_are_one_burst() -> None:
    arrivals = visit((0.1, 1), (0.2, 2), (0.201, 3), (0.209, 4), (0.3, 5)).arrivals
    assert list(bursts(arrivals)) == [1, 9, 5]
    assert list(bursts([])) == []


@pytest.mark.parametrize(
    ("arrivals", "made", "share"),
    [
        (FLOW, 80, 0.0),
        (JITTER, 80, 0.0),
        (CLUMP, 80, 1.0),
        ([], 80, 1.0),  # nothing has come of what was made
        (FLOW[:40], 80, 0.5),
        (FLOW[:5], 5, 0.0),  # too few to say anything
    ],
)
def test_what_came_in_bursts_or_not_at_all_was_held(
    arrivals: list[tuple[float, int]], made: int, share: float
) -> None:
    assert held_share(visit(*arrivals), {"tab 1": made}) == share


def test_a_burst_is_larger_than_what_a_busy_machine_keeps_back() -> None:
    just_below = [(0.5 * n, BURST_TOKENS - 1) for n in range(4)]
    just_enough = [(0.5 * n, BURST_TOKENS) for n in range(4)]
    assert held_share(visit(*just_below), {"tab 1": 4 * (BURST_TOKENS - 1)}) == 0.0
    assert held_share(visit(*just_enough), {"tab 1": 4 * BURST_TOKENS}) == 1.0


def test_the_last_silence_begins_with_the_last_byte_or_the_head() -> None:
    assert last_silence_s(visit((1.0, 1), (1.5, 0), ended_s=2.5)) == 1.0
    assert last_silence_s(visit(ended_s=2.5)) == 2.0
    assert last_silence_s(visit((1.0, 1))) == 0.0


def test_a_page_may_be_half_a_second_late() -> None:
    in_time = [look(4 * n, max(0, 4 * (n - LOOKS_LATER))) for n in range(20)]
    stopped = [look(4 * n, 0) for n in range(20)]
    at_the_end = [*stopped, *[look(76, 76)] * 10]
    assert behind(in_time) == 0
    assert behind(stopped) == 4 * (19 - LOOKS_LATER)
    assert behind(at_the_end) == 4 * (19 - LOOKS_LATER)
    assert behind([]) == 0
