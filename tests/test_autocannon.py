"""The real autocannon: what it does to a broken server, and what of it can be seen."""

import asyncio
import signal
import threading
from typing import Any

import pytest

from tests.mechanism import nothing_left
from workshop_lib.experiment import Experiment
from workshop_lib.pipe import autocannon
from workshop_lib.pipe.autocannon import Autocannon
from workshop_lib.pipe.express import express_server, writable_lengths

SMALLEST_MARK_BYTES = 16384
LOAD: dict[str, Any] = {"readers": 1, "mix": {"steady": 1}, "tokens_per_s": 50}


async def test_it_reads_so_fast_that_a_broken_server_looks_healthy():
    cannon = Autocannon(connections=10, timeout_s=2)
    with nothing_left():
        broken = Experiment(express_server("step1_broken", watched=True), seconds=4, **LOAD)
        run = await broken.run(beside=cannon)
    looks = writable_lengths(run.printed)
    assert len(looks) > 8
    assert max(looks) < SMALLEST_MARK_BYTES
    assert (cannon.answers_done, cannon.answers_given_up) == (0, 10)


async def test_short_answers_come_to_their_end():
    cannon = Autocannon(connections=5, timeout_s=2)
    short = Experiment(express_server("step1_broken"), answer_tokens=20, seconds=4, **LOAD)
    await short.run(beside=cannon)
    assert cannon.answers_done >= 5
    assert cannon.answers_given_up == 0


@pytest.mark.long
async def test_an_answer_that_breaks_off_is_a_success_to_it():
    cannon = Autocannon(connections=5, timeout_s=3)
    server, cut = express_server("step4_production"), {"fault": "cut", "fault_at": 20}
    broken_off = Experiment(server, answer_tokens=100, knobs=cut, seconds=5, **LOAD)
    run = await broken_off.run(beside=cannon)
    assert cannon.answers_done >= 5
    assert cannon.answers_given_up == 0
    assert {stream.produced_tokens for stream in run.streams} == {20}


async def test_a_tool_that_says_nothing_is_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Autocannon, "_command", lambda self: ["false"])
    with nothing_left(), pytest.raises(RuntimeError, match=r"it said nothing\. Run `make install`"):
        await Experiment(express_server("step1_broken"), seconds=1, **LOAD).run(beside=Autocannon())


def test_an_interrupt_leaves_no_tool_behind():
    with nothing_left():
        threading.Timer(4, lambda: signal.raise_signal(signal.SIGINT)).start()
        long_run = Experiment(express_server("step1_broken"), seconds=60, **LOAD)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(long_run.run(beside=Autocannon(timeout_s=60)))


async def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Autocannon, "_command", lambda self: ["sleep", "60"])
    monkeypatch.setattr(autocannon, "GRACE_S", 0.5)
    with nothing_left(), pytest.raises(RuntimeError, match="it did not end"):
        await Experiment(express_server("step1_broken"), seconds=1, **LOAD).run(beside=Autocannon())
