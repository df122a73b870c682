"""Leaving: what the gauges count of it, the verdict on it, and both on real servers."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from servers import step1_broken, step2_fixed, step3_cancelling
from tests.mechanism import nothing_left
from workshop_lib.experiment import KERNELS_OWN, Experiment
from workshop_lib.leaving import GRACE_S, judge_leaving
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Gauges, Recording, Sample
from workshop_lib.verdict import SLACK_TOKENS_PER_READER, expect

RATE = 30
SETUP: dict[str, Any] = {"server": "step9", "tokens_per_s": RATE, "answer_tokens": 100_000}


def gone(produced: int = 100, after: int = 0, **also: Any) -> StreamLedger:
    """A stream whose reader left after ten tokens."""
    stream = StreamLedger(
        0, "leaver:10", produced, 0, 0, 0, 0, 0, 0, 0, 10, 320, False,
        left=True, after_leaving_tokens=after,
    )  # fmt: skip
    return replace(stream, **also)


STAYS = gone(received_tokens=100, left=False, open=True, habit="steady")


def run(*streams: StreamLedger, seconds: float = 10.0, left_at_s: float = 1.0, **setup: Any):
    """A run at whose every sample from `left_at_s` on all of the leavers had gone."""
    steps = [seconds * step / 50 for step in range(51)]
    left = [s for s in streams if s.left]
    samples = [
        Sample(
            t_s,
            {"leaver:10": Gauges.of([replace(s, left=t_s >= left_at_s) for s in left])},
        )
        for t_s in steps
    ]
    return Recording(SETUP | setup, samples, list(streams))


@pytest.mark.parametrize(
    ("recording", "outcome", "evidence"),
    [
        pytest.param(
            run(gone(12), gone(13, after=2), STAYS),
            "stopped",
            "the LLM still answers none of the 2 readers that left; it produced 2 tokens after "
            "they had gone, and 5 in all that nobody got.",
            id="all closed",
        ),
        pytest.param(
            run(gone(12), gone(300, after=280, open=True), STAYS),
            "running on",
            "the LLM still answers 1 of the 2 readers that left; it produced 280 tokens after "
            "they had gone, and 292 in all that nobody got.",
            id="one open",
        ),
        pytest.param(
            run(gone(10, open=True)),
            "running on",
            "the LLM still answers 1 of the 1 readers that left; it produced 0 tokens after "
            "they had gone, and 0 in all that nobody got.",
            id="open and silent",
        ),
        pytest.param(
            run(gone(500, after=490)),
            "running on",
            "the LLM still answers none of the 1 readers that left; it produced 490 tokens after "
            "they had gone, and 490 in all that nobody got.",
            id="closed at last",
        ),
        pytest.param(
            run(STAYS), "unclear", "no reader left. Add some that do, such as leaver:10.",
            id="nobody left",
        ),
        pytest.param(
            run(gone(12, open=True), left_at_s=9.0),
            "unclear", "readers left just before the end. Let the run last longer.", id="too late",
        ),
        pytest.param(
            run(gone(12, open=True), left_at_s=99.0),
            "unclear", "readers left just before the end. Let the run last longer.",
            id="after the last sample",
        ),
        pytest.param(
            run(gone(20), answer_tokens=20),
            "unclear", "the answers had ended when readers left. Make them longer.", id="ended",
        ),
        pytest.param(
            replace(run(gone(12)), errors=["LookupError: no such table"]),
            "unclear", "the server failed: LookupError: no such table. Repair that first.",
            id="errors",
        ),
    ],
)  # fmt: skip
def test_each_verdict_and_its_evidence(recording: Recording, outcome: str, evidence: str):
    verdict = judge_leaving(recording)
    assert (verdict.outcome, verdict.evidence) == (outcome, evidence)


def test_what_comes_before_the_leave_is_seen_is_allowed():
    few = int(RATE * GRACE_S)
    assert judge_leaving(run(gone(999, after=few))).outcome == "stopped"
    assert judge_leaving(run(gone(999, after=few + 1))).outcome == "running on"
    slow = run(gone(999, after=SLACK_TOKENS_PER_READER), tokens_per_s=0.1)
    assert judge_leaving(slow).outcome == "stopped"
    assert judge_leaving(run(gone(999, after=900), tokens_per_s=0)).outcome == "stopped"
    assert judge_leaving(run(gone(999, after=900, open=True), tokens_per_s=0)).outcome != "stopped"


def test_waste_is_counted_for_readers_that_left_only():
    assert gone(100).wasted_tokens == 90
    assert replace(STAYS, received_tokens=0).wasted_tokens == 0
    gauges = Gauges.of([gone(100), gone(30), STAYS])
    assert (gauges.readers, gauges.left, gauges.wasted_tokens) == (3, 2, 110)


def test_expect_says_it_in_a_constant_line(capsys: pytest.CaptureFixture[str]):
    expect(run(gone(12)), "stopped", by=judge_leaving)
    expect(run(gone(12, open=True)), "stopped", by=judge_leaving)
    passed, failed = capsys.readouterr().out.splitlines()
    assert passed == "PASS step9: stopped"
    assert failed.startswith("NOT AS EXPECTED step9: stopped was foretold. Found running on: ")


# -- on real servers ------------------------------------------------------------------------------

# with the kernel's own buffers, or a forgotten stream would soon be held back by the small ones
LEAVE: dict[str, Any] = {
    "readers": 6, "mix": {"leaver:10": 4, "steady": 2}, "tokens_per_s": 100, "seconds": 4,
    "buffers": KERNELS_OWN, "time_lapse": 2,
}  # fmt: skip


@pytest.fixture
def no_collector() -> Iterator[None]:
    """It would close forgotten streams: some day."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    ("server", "outcome"), [(step2_fixed, "running on"), (step3_cancelling, "stopped")]
)
def test_readers_that_leave_midway(server: ModuleType, outcome: str):
    with nothing_left():
        recording = Experiment(server, **LEAVE).run_blocking()
    verdict = judge_leaving(recording)
    assert verdict.outcome == outcome, verdict
    assert (recording.errors, recording.complaints) == ([], [])
    gone = [stream for stream in recording.streams if stream.left]
    assert len(gone) == recording.samples[-1].group().left == 4
    assert not any(stream.wasted_tokens for stream in recording.streams if not stream.left)
    waste = [sample.group().wasted_tokens for sample in recording.samples]
    assert waste == sorted(waste)  # live, and nobody brings a token back
    if outcome == "running on":
        assert min(stream.after_leaving_tokens for stream in gone) > 20


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    ("server", "outcome"),
    [(step1_broken, "running on"), (step2_fixed, "running on"), (step3_cancelling, "stopped")],
)
def test_readers_that_leave_a_silent_llm(server: ModuleType, outcome: str):
    silent = LEAVE | {"mix": {"leaver:0": 4, "steady": 2}, "knobs": {"fault": "silence"}}
    recording = Experiment(server, **silent).run_blocking()
    verdict = judge_leaving(recording)
    assert verdict.outcome == outcome, verdict
    assert recording.setup["knobs"] == {"fault": "silence"}
    assert "produced 0 tokens after" in verdict.evidence


def test_the_first_token_can_be_late_and_the_quick_pace_brings_it_sooner(
    monkeypatch: pytest.MonkeyPatch,
):
    late = Experiment(step3_cancelling, 2, {"steady": 2}, seconds=1, first_token_s=600)
    recording = replace(late, time_lapse=2).run_blocking()
    assert recording.setup["first_token_s"] == 600
    assert recording.samples[-1].group().open == 2
    assert recording.samples[-1].group().produced_tokens == 0
    monkeypatch.setenv("WORKSHOP_PACE", "quick")
    assert late.at_pace().first_token_s == 150
