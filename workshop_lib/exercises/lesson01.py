"""Lesson 01: a load test that tells; how long the demo would have to run."""

from types import ModuleType

from workshop_lib.exercises.checks.load_test import MOST, judge_load_test
from workshop_lib.exercises.checks.minutes import RATE_TOKENS_PER_S, TOKEN_BYTES, judge_minutes
from workshop_lib.exercises.contract import Exercise
from workshop_lib.experiment import KERNELS_OWN, Experiment


def my_load_test(server: ModuleType) -> Experiment:
    return Experiment(
        server,
        readers=50,
        mix={"sleeper:1024:0.1": 0.2, "steady": 0.8},  # bytes a read, seconds of sleep
        tokens_per_s=30,
        seconds=20,
        buffers=KERNELS_OWN,
    )


def telling_load_test(server: ModuleType) -> Experiment:
    return Experiment(
        server,
        readers=50,
        mix={"stalled": 0.5, "steady": 0.5},
        tokens_per_s=30,
        seconds=25,
    )


a_load_test_that_tells = Exercise(
    name="a_load_test_that_tells",
    task=(
        "A load test from popular advice: one reader in five sleeps 100 ms between reads. It "
        "finds nothing. Change it so that it finds step1_broken growing and step2_fixed bounded. "
        f"At most {MOST['readers']} readers and {MOST['seconds']} seconds."
    ),
    starter=my_load_test,
    answer=telling_load_test,
    hints=(
        "How many bytes a second does a stream of 30 tokens a second make, and how many does a "
        "reader take who reads 1,024 bytes and sleeps for 0.1 s?",
        "The habit `stalled` never reads again. Then look where its tokens went: the kernel's own "
        "buffers take megabytes. Leave `buffers` out, and they are small.",
        "The verdict compares the last third of a run with its first. By then the sockets must be "
        "full: 25 seconds are enough.",
    ),
    judge=judge_load_test,
)

how_long_would_the_demo_run = Exercise(
    name="how_long_would_the_demo_run",
    task=(
        "One reader stalls, with the kernel's own buffers; the server streams it "
        f"{RATE_TOKENS_PER_S} tokens a second of {TOKEN_BYTES} bytes. After how many minutes does "
        "the first write have to wait? A factor of 2 is near enough."
    ),
    starter=None,
    answer=60,
    hints=(
        "Bytes that the kernel takes, divided by the bytes that the stream makes in a minute.",
        "The run with KERNELS_OWN above shows what the kernel holds when it takes everything; "
        "how much it takes at most for one connection the lesson says.",
        "A token of 5 bytes travels in an event, and the event in a chunk of HTTP: 32 bytes.",
    ),
    judge=judge_minutes,
    variable="my_minutes",
)
