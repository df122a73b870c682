"""The soak's judge: a slope, how sure of it one can be, and what that says of a server."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from servers import step1_broken, step3_cancelling
from workshop_lib.experiment import Experiment
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.recording import NO_READERS, Recording, Sample
from workshop_lib.soak import FILLING_SHARE, Slope, judge_soak, slope_of, soak

SETUP: dict[str, Any] = {
    "server": "a server", "mix": {"stalled": 10, "steady": 2}, "tokens_per_s": 10,
}  # fmt: skip
DUE_PER_MIN = 10 * 60 * 10


def a_soak(held: Callable[[float], float], samples: int = 300, **changed: Any) -> Recording:
    """Five minutes of a server that holds so many tokens for stalled readers, by the minute."""
    times_s = [300 * n / samples for n in range(samples)]
    stalled = replace(NO_READERS, readers=10, open=10, **changed)
    return Recording(
        SETUP,
        [
            Sample(t_s, {"stalled": replace(stalled, queued_tokens=round(held(t_s / 60)))})
            for t_s in times_s
        ],
    )


def noise(seed: int, scale: float) -> Callable[[], float]:
    made = random.Random(seed)
    return lambda: made.gauss(0, scale)


def test_a_line_is_found_exactly():
    times_s = [float(n) for n in range(300)]
    slope = slope_of(times_s, [7 + 3 * t_s / 60 for t_s in times_s])
    assert slope.per_min == pytest.approx(3)
    assert slope.margin == pytest.approx(0, abs=1e-6)
    assert slope.is_told_from_zero


def test_in_95_of_100_runs_the_margin_holds_the_true_slope():
    times_s = [float(n) for n in range(300)]
    hits = 0
    for seed in range(400):
        shaken = noise(seed, 20)
        slope = slope_of(times_s, [5 * t_s / 60 + shaken() for t_s in times_s])
        hits += abs(slope.per_min - 5) <= slope.margin
    assert 0.92 < hits / 400 < 0.98


def test_a_slope_is_written_with_its_margin():
    assert str(Slope(1234.56, 7.0)) == "+1,234.6 ± 7.0"
    assert str(Slope(-0.04, 0.1)) == "-0.0 ± 0.1"


@pytest.mark.parametrize("samples", [0, 10, 29])
def test_too_few_samples_have_no_slope(samples: int):
    with pytest.raises(ValueError, match="are too few for a slope: take 30 or more"):
        slope_of(range(samples), range(samples))


def stands(seed: int) -> Recording:
    shaken = noise(seed, 15)
    return a_soak(lambda _: 200 + shaken())


def climbs(seed: int) -> Recording:
    shaken = noise(seed, 15)
    return a_soak(lambda minute: DUE_PER_MIN * minute + shaken())


@pytest.mark.parametrize("seed", range(10))
def test_what_stands_is_bounded_and_what_climbs_is_growing(seed: int):
    assert judge_soak(stands(seed)).outcome == "bounded"
    verdict = judge_soak(climbs(seed))
    assert verdict.outcome == "growing"
    assert verdict.evidence.endswith(f" a minute, of {DUE_PER_MIN:,} due.")


def test_a_pipe_that_fills_in_the_first_third_is_bounded():
    assert judge_soak(a_soak(lambda minute: min(minute, 1.5) * 1000)).outcome == "bounded"


def test_a_drift_that_is_sure_and_next_to_nothing_is_bounded():
    verdict = judge_soak(a_soak(lambda minute: 200 + DUE_PER_MIN * 0.01 * minute))
    assert verdict.outcome == "bounded"
    assert verdict.evidence.endswith("that is next to nothing.")


def test_write_buffers_count_as_held():
    filled = a_soak(lambda _: 0)
    filled.samples = [
        replace(one, habits={"stalled": replace(
            one.habits["stalled"],
            write_buffer_bytes=round(DUE_PER_MIN * 32 * one.t_s / 60),
            downstream_tokens=round(DUE_PER_MIN * one.t_s / 60),
        )})
        for one in filled.samples
    ]  # fmt: skip
    assert judge_soak(filled).outcome == "growing"


def wild() -> Recording:
    shaken = noise(1, 20_000)
    return a_soak(lambda _: 100_000 + shaken())


UNCLEAR: Sequence[tuple[Callable[[], Recording], str]] = [
    (wild, "Let the run last longer."),
    (lambda: a_soak(lambda _: 0, samples=20), "from a longer run."),
    (lambda: replace(stands(1), errors=["it broke"]), "Repair that first."),
    (lambda: replace(stands(1), setup=SETUP | {"mix": {"steady": 9}}), "Add readers that stall."),
    (lambda: blind(stands(1)), "Use Linux."),
]


def blind(recording: Recording) -> Recording:
    """The same run where the kernel's queues cannot be seen."""
    unseen = [
        replace(one, habits={"stalled": replace(one.habits["stalled"], queued_tokens=None)})
        for one in recording.samples
    ]
    return replace(recording, samples=unseen)


@pytest.mark.parametrize(("recording", "advice"), UNCLEAR, ids=[text for _, text in UNCLEAR])
def test_what_cannot_be_told_is_unclear_with_what_to_do(
    recording: Callable[[], Recording], advice: str
):
    verdict = judge_soak(recording())
    assert verdict.outcome == "unclear"
    assert verdict.evidence.endswith(advice)


def test_five_minutes_for_people_and_seconds_for_ci(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORKSHOP_PACE", "full")
    assert soak(Experiment(step1_broken)).at_pace().seconds == 300
    monkeypatch.setenv("WORKSHOP_PACE", "quick")
    assert soak(Experiment(step1_broken)).at_pace().seconds == 6


def test_a_soak_lasts_until_a_slope_can_be_told(monkeypatch: pytest.MonkeyPatch):
    for pace in ("full", "quick"):
        monkeypatch.setenv("WORKSHOP_PACE", pace)
        due = soak(Experiment(step1_broken)).at_pace().samples_due
        judged = range(round(due * FILLING_SHARE), due)
        assert slope_of(judged, judged).per_min == pytest.approx(60)


@pytest.mark.skipif(kernel_queues() is None, reason="this system does not show kernel queues")
def test_the_servers_themselves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORKSHOP_PACE", "quick")
    found = {
        server: judge_soak(soak(Experiment(server)).run_blocking())
        for server in (step1_broken, step3_cancelling)
    }
    assert found[step1_broken].outcome == "growing", found[step1_broken]
    assert found[step3_cancelling].outcome == "bounded", found[step3_cancelling]
