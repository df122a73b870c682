"""Who has got how much: judged by tokens, and drawn."""

import pytest

from tests.show_recordings import a_run
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Recording
from workshop_lib.sharing import judge_shares, most_allowed_tokens, tokens_by_user
from workshop_lib.show.shares import draw_shares

USERS = ["greedy", "ada", "greedy", "bob"]


def shared(*produced: int, received: dict[int, int] | None = None) -> Recording:
    """Make a run of four readers: so much was produced for each, and all of it received."""
    run = a_run()
    env = {"BUDGET_TOKENS": "200", "MAX_STREAMS_PER_USER": "2"}
    run.setup = run.setup | {"users": USERS, "env": env, "answer_tokens": 100}
    run.errors = []
    got = dict(enumerate(produced)) | (received or {})
    run.streams = [
        StreamLedger(n, "steady", made, 0, 0, 0, 0, 0, 0, 0, got[n], 0, False)
        for n, made in enumerate(produced)
    ]
    return run


def test_a_users_streams_are_counted_together():
    assert tokens_by_user(shared(90, 100, 60, 100)) == {"greedy": 150, "ada": 100, "bob": 100}


@pytest.mark.parametrize(
    ("run", "outcome", "says"),
    [
        (shared(120, 100, 122, 100), "fair", "greedy got 242 of 442 tokens, within 242"),
        (shared(120, 100, 123, 100), "unfair", "greedy got 243 of 443 tokens"),
        (shared(100, 99, 100, 100), "unfair", "1 of 2 users who asked once"),
        (shared(0, 100, 0, 100, received={1: 20}), "unfair", "one 20 of 100 tokens"),
    ],
)
def test_shares(run: Recording, outcome: str, says: str):
    verdict = judge_shares(run)
    assert verdict.outcome == outcome
    assert says in verdict.evidence


def test_a_step_for_each_stream_is_allowed_above_the_budget():
    assert most_allowed_tokens(shared(0, 0, 0, 0)) == 200 + 2 * 21


def test_the_picture_is_one():
    assert draw_shares([shared(90, 100, 60, 100)]).startswith(b"\x89PNG")
