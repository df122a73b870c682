"""Node's write buffers, watched from outside: where a healthy server stands, and a broken one."""

from typing import Any

import pytest

from tests.mechanism import nothing_left
from workshop_lib.experiment import Experiment
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.express import express_server, writable_lengths
from workshop_lib.verdict import judge

pytestmark = pytest.mark.measures

EVENT_BYTES = 8100
# so large that the kernel's buffers, which are Node's own affair, are full in a second
LOAD: dict[str, Any] = {
    "readers": 3, "mix": {"stalled": 2, "steady": 1}, "tokens_per_s": 200, "token_bytes": 8000,
    "seconds": 5,
}  # fmt: skip

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)


@pytest.fixture(scope="module")
def runs() -> dict[str, Recording]:
    commands = {
        "broken": express_server("step1_broken", watched=True),
        "fixed": express_server("step3_cancelling", watched=True),
        "node 20": express_server("step3_cancelling", 16384),
    }
    with nothing_left():
        return {name: Experiment(it, **LOAD).run_blocking() for name, it in commands.items()}


@pytest.mark.parametrize(("name", "mark"), [("fixed", 65536), ("node 20", 16384)])
def test_a_healthy_stalled_server_stands_at_its_high_water_mark(
    runs: dict[str, Recording], name: str, mark: int
):
    looks = writable_lengths(runs[name].printed)
    assert mark <= max(looks) <= mark + EVENT_BYTES
    assert looks.count(max(looks)) > 4


@sees_kernel
def test_a_broken_one_passes_every_mark_and_grows(runs: dict[str, Recording]):
    looks = writable_lengths(runs["broken"].printed)
    assert max(looks) > 10 * 65536
    climbing = looks[: looks.index(max(looks)) + 1]
    assert climbing == sorted(climbing)
    assert {name: judge(run).outcome for name, run in runs.items()} == {
        "broken": "growing", "fixed": "bounded", "node 20": "bounded",
    }  # fmt: skip


def test_what_else_a_server_prints_is_no_look():
    printed = "Serving on http://x\nwritableLength 12\nthe writableLength 7\nwritableLength 3"
    assert writable_lengths(printed) == [12, 3]
