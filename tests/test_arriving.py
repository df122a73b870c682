"""The judges of arriving: what a reader was given at each look, and how its answer ended."""

from dataclasses import replace

import pytest

from tests.show_recordings import a_run
from workshop_lib.arriving import judge_arrival, judge_end, looks_with_news
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Recording, Sample


def looked_at(*received: int) -> Recording:
    """Make a run whose LLM produces a token between two looks; what came by each is given."""
    run = a_run()
    gauges = run.samples[-1].habits["stalled"]
    run.samples = [
        Sample(at / 10, {"steady": replace(gauges, produced_tokens=at, received_tokens=tokens)})
        for at, tokens in enumerate(received)
    ]
    run.errors, run.complaints = [], []
    return run


@pytest.mark.parametrize(
    ("received", "outcome"),
    [
        (range(20), "one by one"),
        ([at // 2 for at in range(20)], "in lumps"),
        ([0] * 19 + [19], "in lumps"),
        ([0, 0, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "one by one"),
        (range(6), "unclear"),
    ],
)
def test_looks_with_news_decide(received: list[int], outcome: str):
    assert judge_arrival(looked_at(*received)).outcome == outcome


def test_a_silent_llm_makes_no_look_without_news():
    run = looked_at(*range(10), *[9] * 10)
    silent = run.samples[9].habits["steady"]
    run.samples[10:] = [replace(sample, habits={"steady": silent}) for sample in run.samples[10:]]
    assert looks_with_news(run) == (9, 9)


def test_what_failed_says_nothing_of_the_way():
    run = looked_at(*range(20))
    run.errors = ["KeyError: 'x'"]
    assert judge_arrival(run).outcome == judge_end(run).outcome == "unclear"


@pytest.mark.parametrize(
    ("received", "complaints", "outcome"),
    [(100, [], "complete"), (40, ["reader 0: cut"], "cut"), (40, [], "unclear")],
)
def test_ends(received: int, complaints: list[str], outcome: str):
    run = looked_at(*range(20))
    run.setup = run.setup | {"answer_tokens": 100}
    stream = StreamLedger(
        0, "steady", 100, 0, 0, 0, 0, 0, 0, 0, received, 27 * received, received < 100
    )
    run.streams, run.complaints = [stream], complaints
    verdict = judge_end(run)
    assert verdict.outcome == outcome
    assert f"{int(received == 100)} of 1 answers" in verdict.evidence
