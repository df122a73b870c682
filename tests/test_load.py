"""The production server in a crowd, at a moderate size: counts only, for a machine is noisy."""

import pytest

from tests.load.__main__ import Outcome, Plan, run, said_of, table_of
from tests.mechanism import nothing_left

pytestmark = pytest.mark.measures

SMALL_PLAN = Plan(
    readers=60, stalled=15, polite=5, tokens_per_s=40, seconds=6, alone_s=2, stall_s=0.5
)


@pytest.fixture(scope="module")
def loaded() -> Outcome:
    with nothing_left():
        return run(SMALL_PLAN, loaded=True)


def test_whoever_stalls_is_let_go_and_the_llm_is_stopped(loaded: Outcome):
    assert loaded.guests.freed >= SMALL_PLAN.stalled
    assert loaded.guests.kept == 0
    assert loaded.recording.errors == []


def test_nobody_polite_is_let_go(loaded: Outcome):
    steady = loaded.recording.samples[-1].group()
    assert steady.open == steady.readers == 40
    behind = [one.produced_tokens - one.received_tokens for one in loaded.recording.streams]
    assert max(behind) <= 3  # on their way when the pipe was stopped


def test_polite_readers_are_answered_all_through(loaded: Outcome):
    waits = loaded.guests.waits
    assert waits["empty"] == 0
    assert len(waits["first_tokens_s"]) >= SMALL_PLAN.polite
    assert len(waits["gaps_s"]) > len(waits["first_tokens_s"])


def test_it_says_so(loaded: Outcome):
    assert table_of(loaded, loaded).row_count == 4
    assert f"{loaded.guests.freed} readers that stalled" in said_of(loaded, SMALL_PLAN)[0]
