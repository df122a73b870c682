"""The judge of a soak: does what a server holds grow, minute by minute, or stand? Pure.

A slope without its confidence says nothing: any noise has one. Neighbouring samples resemble each
other, so it is the means of long blocks that are taken for independent.
"""

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workshop_lib.experiment import QUICK_TIME_LAPSE, Experiment
from workshop_lib.meter.recording import Recording, Sample
from workshop_lib.verdict import Verdict, slow_habits

MINUTES = 5
QUICK_SECONDS = 6
# The pipe fills at first; what it holds then rises on the best of servers.
FILLING_SHARE = 1 / 3
BLOCKS = 10
SAMPLES_PER_BLOCK = 3
FEWEST_SAMPLES = math.ceil(BLOCKS * SAMPLES_PER_BLOCK / (1 - FILLING_SHARE))
# Student's t for 95 % and the degrees of freedom of a line through ten blocks
T_95 = 2.306
# A server that hoards for stalled readers keeps nearly all that is due to them.
LEAST_SHARE_OF_DUE = 0.05


def soak(experiment: Experiment, minutes: float = MINUTES) -> Experiment:
    """Return the same run for some minutes; for WORKSHOP_PACE=quick it is a matter of seconds."""
    if os.environ.get("WORKSHOP_PACE", "full") == "quick":
        seconds = QUICK_SECONDS * QUICK_TIME_LAPSE
    else:
        seconds = minutes * 60
    return replace(experiment, seconds=seconds, fewest_samples=FEWEST_SAMPLES)


@dataclass(frozen=True)
class Slope:
    """What is gained in a minute, give or take `margin` with 95 % confidence."""

    per_min: float
    margin: float

    @property
    def is_told_from_zero(self) -> bool:
        """Whether the confidence interval leaves zero out."""
        return abs(self.per_min) > self.margin

    def __str__(self) -> str:
        return f"{self.per_min:+,.1f} ± {self.margin:,.1f}"


def slope_of(times_s: Sequence[float], values: Sequence[float]) -> Slope:
    """Fit a line through the means of ten blocks; raises ValueError for too few values."""
    size = len(values) // BLOCKS
    if size < SAMPLES_PER_BLOCK:
        raise ValueError(
            f"{len(values)} samples are too few for a slope: "
            f"take {BLOCKS * SAMPLES_PER_BLOCK} or more, from a longer run."
        )
    starts = range(len(values) - size * BLOCKS, len(values), size)
    t_min = [statistics.fmean(times_s[n : n + size]) / 60 for n in starts]
    means = [statistics.fmean(values[n : n + size]) for n in starts]
    line = statistics.linear_regression(t_min, means)
    off = [y - line.intercept - line.slope * x for x, y in zip(t_min, means, strict=True)]
    spread = statistics.variance(t_min) * (BLOCKS - 1)
    error = (sum(residual**2 for residual in off) / (BLOCKS - 2) / spread) ** 0.5
    return Slope(line.slope, T_95 * error)


def judge_soak(recording: Recording) -> Verdict:
    """Tell "growing" from "bounded" by the slope of the tokens that wait inside the server."""
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    if not (stalled := _held_back(recording)):
        return Verdict("unclear", "every reader kept up. Add readers that stall.")
    samples = recording.samples[round(len(recording.samples) * FILLING_SHARE) :]
    held = [_inside(sample, recording) for sample in samples]
    known = [tokens for tokens in held if tokens is not None]
    if len(known) < len(held):
        return Verdict("unclear", "this system does not show the kernel's queues. Use Linux.")
    try:
        slope = slope_of([sample.t_s for sample in samples], known)
    except ValueError as problem:
        return Verdict("unclear", str(problem))
    due_per_min = 60 * recording.setup["tokens_per_s"] * stalled
    least = due_per_min * LEAST_SHARE_OF_DUE
    evidence = f"tokens inside the server: {slope} a minute, of {due_per_min:,.0f} due"
    if not slope.is_told_from_zero and slope.margin < least:
        return Verdict("bounded", f"{evidence}; that cannot be told from zero.")
    if slope.per_min + slope.margin < least:
        return Verdict("bounded", f"{evidence}; that is next to nothing.")
    if slope.per_min - slope.margin > least:
        return Verdict("growing", f"{evidence}.")
    return Verdict("unclear", f"{evidence}. Let the run last longer.")


def _held_back(recording: Recording) -> int:
    """Count the readers that take nothing to the end of the run."""
    mix: dict[str, int] = recording.setup["mix"]
    return sum(readers for habit, readers in mix.items() if habit.startswith("stalled"))


def _inside(sample: Sample, recording: Recording) -> int | None:
    """Return the tokens in the server's queues and write buffers for those it waits for."""
    slow = sample.group(slow_habits(recording.setup))
    return None if slow.queued_tokens is None else slow.queued_tokens + slow.buffered_tokens
