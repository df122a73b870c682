"""The sampler beats steadily, says what it costs, and hides nothing that went wrong."""

import threading
import time
from itertools import pairwise

import pytest

from servers import step1_broken
from tests.mechanism import nothing_left, until
from workshop_lib.experiment import Experiment
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Recording
from workshop_lib.meter.sampler import BEAT_S, Sampler


def stream(reader: int = 0, habit: str = "steady", produced: int = 0) -> StreamLedger:
    return StreamLedger(reader, habit, produced, 0, 0, 0, 0, 0, 0, 0, 0, 0, True)


def beats_of(recording: Recording) -> list[int]:
    return [int((sample.t_s + 0.001) / BEAT_S) for sample in recording.samples]  # t_s is rounded


def test_it_samples_at_every_beat_and_at_the_start():
    recording = Recording({})
    with nothing_left(), Sampler(recording, lambda: [stream()], lambda: 7) as sampler:
        until(lambda: len(recording.samples) >= 11)
        elapsed_s = sampler.elapsed_s
    times = [sample.t_s for sample in recording.samples]
    assert times == sorted(times)
    assert times[0] < BEAT_S
    beats = beats_of(recording)
    assert beats == sorted(set(beats))  # never two of one beat
    assert beats[10] <= elapsed_s / BEAT_S
    assert all(sample.rss_bytes == 7 for sample in recording.samples)


def test_a_slow_gauge_skips_beats_and_its_wait_is_told():
    recording = Recording({})

    def slow() -> list[StreamLedger]:
        time.sleep(BEAT_S * 1.5)
        return [stream()]

    with Sampler(recording, slow, lambda: None):
        until(lambda: len(recording.samples) >= 4)
    beats = beats_of(recording)
    assert all(later - earlier >= 2 for earlier, later in pairwise(beats))
    cost = recording.sampler
    assert cost["wall_s"] >= BEAT_S * 1.5 * 4 > cost["cpu_s"] * 4


def test_it_reports_its_own_cost():
    recording = Recording({})

    def costly() -> list[StreamLedger]:
        begun_s = time.thread_time()
        while time.thread_time() - begun_s < 0.02:
            pass
        return [stream()]

    with Sampler(recording, costly, lambda: None):
        until(lambda: len(recording.samples) >= 5)
    cost = recording.sampler
    assert cost["samples"] == len(recording.samples)
    assert cost["cpu_s"] >= 0.02 * cost["samples"] * 0.99
    assert cost["wall_s"] >= cost["cpu_s"] * 0.99


def test_it_groups_the_streams_by_habit():
    recording = Recording({})
    streams = [stream(0, "steady", 5), stream(1, "stalled", 7), stream(2, "stalled", 9)]
    with Sampler(recording, lambda: streams, lambda: None):
        until(lambda: recording.samples)
    groups = recording.samples[0].habits
    assert list(groups) == ["stalled", "steady"]
    assert (groups["stalled"].readers, groups["stalled"].produced_tokens) == (2, 16)
    assert (groups["steady"].readers, groups["steady"].produced_tokens) == (1, 5)


def test_what_a_gauge_raises_is_raised_at_the_end_and_when_asked():
    broken = threading.Event()

    def read() -> list[StreamLedger]:
        if broken.is_set():
            raise LookupError("the gauge fell off")
        return [stream()]

    recording = Recording({})
    with nothing_left(), pytest.raises(LookupError, match="fell off"):  # noqa: PT012, SIM117
        with Sampler(recording, read, lambda: None) as sampler:
            until(lambda: recording.samples)
            sampler.check()  # so far, so good
            broken.set()
            until(lambda: not any(t.name == "sampler" for t in threading.enumerate()))
            kept = len(recording.samples)
            with pytest.raises(LookupError, match="fell off"):
                sampler.check()
    assert len(recording.samples) == kept


def test_the_blocks_own_error_is_not_hidden_by_the_gauges():
    def read() -> list[StreamLedger]:
        raise LookupError("the gauge fell off")

    with nothing_left(), pytest.raises(ZeroDivisionError):  # noqa: SIM117
        with Sampler(Recording({}), read, lambda: None):
            raise ZeroDivisionError


def test_a_costly_sample_is_rested_from_so_that_the_server_has_its_turns():
    recording = Recording({})

    def costly() -> list[StreamLedger]:
        began_s = time.thread_time()
        while time.thread_time() - began_s < BEAT_S:
            pass
        return [stream()]

    with nothing_left(), Sampler(recording, costly, lambda: 7) as sampler:
        until(lambda: len(recording.samples) >= 3)
        elapsed_s = sampler.elapsed_s
    assert recording.sampler["cpu_s"] < elapsed_s / 2  # and not nearly all of it


def test_a_long_run_is_sampled_less_often():
    assert Experiment(step1_broken, seconds=20).beat_s == BEAT_S
    assert Experiment(step1_broken, seconds=300).beat_s == 1.5
