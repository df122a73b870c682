"""A recording is the same after it was saved and loaded, and says so when it is none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import NO_READERS, VERSION, Gauges, Recording, Sample

count = st.integers(0, 2**40)
seen = st.none() | count
gauges = st.builds(Gauges, count, count, count, seen, seen, seen, seen, seen, seen, count, count)
streams = st.builds(
    StreamLedger, count, st.text(), count, seen, seen, seen, seen, seen, seen, seen, count, count,
    st.booleans(),
)  # fmt: skip
samples = st.builds(Sample, st.floats(0, 1e6), st.dictionaries(st.text(), gauges, max_size=3), seen)
recordings = st.builds(
    Recording,
    st.dictionaries(st.text(), st.text() | count | st.floats(allow_nan=False)),
    st.lists(samples, max_size=4),
    st.lists(streams, max_size=4),
    st.lists(st.text()),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.floats(0, 1e6)),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings") / "run.json"


@given(recordings)
def test_it_comes_back_as_it_was_saved(path: Path, recording: Recording):
    recording.save(path)
    assert Recording.load(path) == recording


@given(recordings, st.floats(0, 1e6))
def test_until_is_the_run_up_to_then(recording: Recording, t_s: float):
    early = recording.until(t_s)
    assert early.setup == recording.setup
    assert all(sample.t_s <= t_s for sample in early.samples)
    left_out = [sample for sample in recording.samples if sample not in early.samples]
    assert all(sample.t_s > t_s for sample in left_out)
    assert early.streams == []  # they are those of the end


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe not text",
        b"[]",
        b"null",
        b"{}",
        b'{"cells": [], "nbformat": 4}',
        json.dumps({"version": VERSION + 1, "setup": {}, "samples": [], "streams": []}).encode(),
        json.dumps({"version": VERSION, "setup": {}, "samples": [{}], "streams": []}).encode(),
        json.dumps({"version": VERSION, "setup": {}, "samples": 3, "streams": []}).encode(),
        json.dumps({"version": VERSION, "samples": [], "streams": [], "and": 1}).encode(),
    ],
)
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"wrong\.json is not a recording .* save\(\) what"):
        Recording.load(path)


def test_sums_add_every_gauge_and_keep_the_dark_dark():
    one = Gauges(1, 1, 100, 10, 20, 640, 64, 128, 6, 64, 2048)
    assert one + one == Gauges(2, 2, 200, 20, 40, 1280, 128, 256, 12, 128, 4096)
    assert one + NO_READERS == one
    dark = replace(one, queued_bytes=None)
    assert (one + dark).queued_bytes is None
    assert (one + dark).produced_tokens == 200
    assert (one.hoarded_bytes, dark.hoarded_bytes) == (704, None)
    assert one.in_flight_tokens == 36


def test_gauges_of_streams_are_their_sums():
    stream = StreamLedger(0, "stalled", 100, 370, 10, 20, 640, 64, 128, 6, 64, 2048, True)
    closed = replace(stream, reader=1, open=False, kernel_bytes=None)
    assert Gauges.of([stream, closed]) == Gauges(
        2, 1, 200, 20, 40, 1280, 128, None, 12, 128, 4096, llm_bytes=740
    )
    assert Gauges.of([]) == NO_READERS


def test_a_sample_groups_the_habits_that_are_asked_for():
    one, two = Gauges(1, *[1] * 10), Gauges(2, *[2] * 10)
    sample = Sample(0.0, {"steady": one, "stalled": two})
    assert sample.group() == one + two
    assert sample.group(["stalled"]) == two
    assert sample.group(["leaver"]) == NO_READERS
