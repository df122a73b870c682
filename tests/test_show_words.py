"""Charts in words: every figure of the sentence comes from the last sample."""

import pytest

from tests.show_recordings import SETUP, a_run
from workshop_lib.meter.recording import Recording
from workshop_lib.show import caption, describe
from workshop_lib.show.units import measured, nice_top, size
from workshop_lib.show.words import unseen


def test_a_hoarding_run_in_one_sentence():
    assert describe(a_run()) == (
        "After 15.0 s the LLM had produced 12,000 tokens for 20 slow readers, who had received "
        "200; 9,800 tokens (314 kB) lay in the server's own queues, 0 B in its write buffers, "
        "64 kB in the kernel; 5 healthy readers got 3,000 of 3,000 tokens; memory stood 27.5 MB "
        "above the baseline: growing."
    )


def test_a_waiting_run_is_bounded():
    said = describe(a_run(hoards=False))
    assert "produced 2,200 tokens" in said
    assert "0 tokens (0 B) lay in the server's own queues" in said
    assert said.endswith(": bounded.")


def test_what_cannot_be_seen_is_said_and_not_counted_as_zero():
    run = a_run(unseen=True)
    said = describe(run)
    assert "what lay in the server's own queues cannot be seen here" in said
    assert "an unseen amount in the kernel" in said
    assert "the memory cannot be seen here" in said
    assert unseen(run) == (
        "Not visible here, so not drawn: the server's own queues, the kernel's queues and memory."
    )
    assert unseen(a_run()) == ""


def test_without_slow_readers_nobody_is_called_slow():
    run = a_run()
    run.setup = {**SETUP, "mix": {"steady": 5}}
    for sample in run.samples:
        del sample.habits["stalled"]
    said = describe(run)
    assert "for 5 readers, who had received 3,000" in said
    assert "slow" not in said
    assert "healthy" not in said


def test_an_empty_run_says_what_to_do():
    assert "let the run go on" in describe(Recording(SETUP))


def test_memory_below_the_baseline_is_not_a_negative_height():
    run = a_run(seconds=0.0)
    run.samples[-1] = type(run.samples[-1])(0.0, run.samples[-1].habits, -2_000_000)
    assert "memory stood 2 MB below the baseline" in describe(run)


def test_the_caption_states_what_a_chart_was_measured_under():
    assert caption(SETUP) == (
        "Server step1_broken; 25 readers (20 stalled, 5 steady). LLM: 40 tokens/s for each reader, "
        "5 bytes a token. Socket buffers, asked and granted: LLM send 4,096 B / 8,192 B, server "
        "receive 16,384 B / 32,768 B, server send 2,048 B / 4,608 B, reader receive 2,048 B / "
        "2,304 B. High-water mark 0 B. Memory is the process's RSS above its baseline."
    )


@pytest.mark.parametrize(
    ("changed", "stated"),
    [
        ({"time_lapse": 4.0}, "Time-lapse: 4 times as fast as real life."),
        ({"tokens_per_s": 0}, "LLM: as fast as it can"),
        ({"high_water_bytes": None}, "High-water mark 65,536 B (asyncio's own)"),
        ({"rcvbuf_asked": 0, "rcvbuf_granted": 131072}, "reader receive nothing / 131,072 B"),
        ({"sndbuf_asked": None, "sndbuf_granted": None}, "server send unknown / unknown"),
        ({"sndbuf_granted": None}, "The server's high-water mark is its own affair"),
        ({"readers": 1}, "1 reader ("),
    ],
)
def test_the_caption_names_what_differs(changed: dict[str, object], stated: str):
    assert stated in caption({**SETUP, **changed})


@pytest.mark.parametrize(
    ("count_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (1_234, "1.2 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (-462_000, "-462 kB"),
        (12_345_678_901, "12.3 GB"),
    ],
)
def test_sizes_have_at_most_three_figures(count_bytes: int, text: str):
    assert size(count_bytes) == text


def test_an_axis_ends_above_its_highest_value_at_a_round_figure():
    for value in (0.3, 1, 7, 42, 400, 999, 80_001, 3e7):
        top = nice_top(value)
        assert value <= top <= max(value, 1) * 2.5
        assert value * 2 <= nice_top(value, 2.0) <= max(value, 1) * 5
        assert f"{top:.0e}"[0] in "125"


def test_a_measured_value_keeps_its_figures():
    assert [measured(value) for value in (3.0, 3.251, 12_345.6, 0.0123)] == [
        "3",
        "3.25",
        "12,346",
        "0.0123",
    ]
