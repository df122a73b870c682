"""The experiment: broken servers are broken, the fixed one is, and nothing is left behind."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from aiohttp import web

from servers import step0_buffered, step1_broken, step2_fixed
from tests.mechanism import gone, nothing_left, until
from workshop_lib.experiment import KERNELS_OWN, Experiment
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import FEWEST_SAMPLES, Recording
from workshop_lib.meter.stations import Stations
from workshop_lib.meter.waiting import Waiting
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import Server
from workshop_lib.verdict import judge

SLOW = ["stalled"]
MIX = {"stalled": 4, "steady": 2}
# few readers, large tokens and a high rate: the sockets are full within a second
QUICK: dict[str, Any] = {
    "readers": 6, "mix": MIX, "tokens_per_s": 100, "token_bytes": 200, "seconds": 3,
    "time_lapse": 5,
}  # fmt: skip

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)


async def unbounded(request: web.Request) -> web.StreamResponse:
    """What step2 becomes when somebody puts the queue back."""
    return await step1_broken.chat(request)


@pytest.fixture(scope="module")
def in_turn() -> list[Recording]:
    """Run broken, fixed, broken: either comes after the other."""
    with nothing_left():
        servers = step1_broken, step2_fixed, step1_broken
        return [Experiment(server, **QUICK).run_blocking() for server in servers]


def hoarded_bytes(recording: Recording) -> int:
    hoarded = recording.samples[-1].group(SLOW).hoarded_bytes
    assert hoarded is not None
    return hoarded


@sees_kernel
def test_the_verdicts_are_the_same_in_both_orders(in_turn: list[Recording]):
    verdicts = [judge(recording) for recording in in_turn]
    assert [verdict.outcome for verdict in verdicts] == ["growing", "bounded", "growing"], verdicts
    assert "made to stop" in verdicts[1].evidence


@sees_kernel
def test_the_broken_one_hoards_ten_times_what_the_fixed_one_holds(in_turn: list[Recording]):
    first, fixed, second = map(hoarded_bytes, in_turn)
    assert min(first, second) >= 10 * max(fixed, 1000)


def test_a_run_lasts_until_there_are_samples_to_judge_by(monkeypatch: pytest.MonkeyPatch):
    read = Stations.read

    def read_late(stations: Stations) -> list[StreamLedger]:
        time.sleep(0.3)  # a machine with other work
        return read(stations)

    monkeypatch.setattr(Stations, "read", read_late)
    recording = Experiment(step2_fixed, 1, {"stalled": 1}, seconds=1.3).run_blocking()
    assert len(recording.samples) >= FEWEST_SAMPLES


class Kept(Waiting):
    """What stations say that a busy machine has kept still for so long."""

    def __init__(self, still_s: float) -> None:
        self._still_s = still_s

    def seconds(self) -> float:
        return self._still_s


@pytest.mark.parametrize(
    ("elapsed_s", "still_s", "lasts"),
    [(9.9, 0, True), (10, 0, False), (10, 2.5, False), (10, 2.6, True), (30, 22.6, True),
     (30, 22.4, False), (100, 100, False)],
)  # fmt: skip
def test_the_time_in_which_a_run_was_kept_still_hardly_counts(
    elapsed_s: float, still_s: float, lasts: bool
):
    experiment = Experiment(step2_fixed, seconds=10)
    assert experiment._lasts(elapsed_s, FEWEST_SAMPLES, Kept(still_s)) is lasts


def test_a_run_that_is_kept_still_goes_on(monkeypatch: pytest.MonkeyPatch):
    still_s = [100.0] * 6 + [0.0]
    monkeypatch.setattr(Waiting, "seconds", lambda _: still_s.pop(0))
    recording = Experiment(step2_fixed, 1, {"steady": 1}, seconds=1).run_blocking()
    assert still_s == []  # it went on as long as it was kept still, and no longer
    assert recording.samples[-1].t_s > 1.2


def test_a_run_records_its_set_up_and_both_kinds_of_readers(in_turn: list[Recording]):
    for recording, name in zip(in_turn, ("step1_broken", "step2_fixed"), strict=False):
        assert (recording.errors, recording.complaints) == ([], [])
        assert recording.setup["server"] == name
        assert recording.setup["mix"] == MIX
        assert recording.setup["time_lapse"] == 5
        assert recording.setup["sndbuf_granted"] >= recording.setup["sndbuf_asked"] == 2048
        assert [one.reader for one in recording.streams] == list(range(6))
        assert recording.sampler["samples"] == len(recording.samples) >= 12


@sees_kernel
@pytest.mark.parametrize("server", [step0_buffered, unbounded])
def test_other_ways_to_hoard_are_seen_too(server: Any):
    recording = Experiment(server, **QUICK).run_blocking()
    verdict = judge(recording)
    assert verdict.outcome == "growing", verdict
    if server is step0_buffered:  # its healthy readers get nothing either
        assert recording.samples[-1].group().received_tokens == 0


@sees_kernel
def test_with_the_kernels_own_buffers_nothing_shows():
    verdict = judge(Experiment(step1_broken, buffers=KERNELS_OWN, **QUICK).run_blocking())
    assert verdict.outcome == "unclear", verdict
    assert "still had room for them" in verdict.evidence


@sees_kernel
def test_a_fresh_process_shows_as_much_as_the_thread():
    with nothing_left():
        recording = Experiment(step1_broken, fresh_process=True, **QUICK).run_blocking()
    assert judge(recording).outcome == "growing", judge(recording)
    assert recording.samples[-1].group(SLOW).write_buffer_bytes is not None
    with nothing_left(), pytest.raises(ValueError, match="leave fresh_process out"):
        Experiment(unbounded, fresh_process=True, **QUICK).run_blocking()


@pytest.mark.parametrize("server", [step1_broken, step2_fixed])
async def test_healthy_readers_get_every_token_in_order(server: Any):
    stopping = asyncio.Event()

    def all_here(recording: Recording) -> None:
        if recording.samples and recording.samples[-1].group(["steady"]).received_tokens == 600:
            stopping.set()

    recording = await Experiment(
        server, 4, {"steady": 2, "stalled": 2}, 300, answer_tokens=300, seconds=60, time_lapse=2
    ).run(all_here, stopping)
    assert [one.received_tokens for one in recording.streams if one.habit == "steady"] == [300] * 2
    assert (recording.errors, recording.complaints) == ([], [])


async def test_stopping_ends_a_run_early():
    stopping, beats = asyncio.Event(), list[int]()

    def second_beat(recording: Recording) -> None:
        beats.append(len(recording.samples))
        if len(beats) == 2:
            stopping.set()

    with nothing_left():
        recording = await Experiment(step2_fixed, 2, seconds=600).run(second_beat, stopping)
    assert len(beats) == 2
    assert beats[0] <= beats[1] <= len(recording.samples)
    assert len(recording.streams) == 2


async def test_what_is_beside_comes_before_the_readers_and_goes_after_them():
    tokens: list[int] = []

    @contextmanager
    def beside(llm: FakeLLM, server: Server) -> Iterator[None]:
        tokens.append(llm.totals().tokens)
        assert server.pid == os.getpid()
        yield
        tokens.append(llm.totals().tokens)

    run = Experiment(step2_fixed, **QUICK)
    recording = await run.run(beside=beside)
    before, after = tokens
    assert before == 0
    assert after >= recording.samples[-1].group().received_tokens > 0


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_handlers_error_is_kept_and_nothing_is_judged(where: str):
    async def fails(request: web.Request) -> web.StreamResponse:
        if where == "after":
            await web.StreamResponse().prepare(request)
        raise LookupError("no such table")

    with nothing_left():
        recording = Experiment(fails, 3, {"stalled": 1, "steady": 2}, seconds=1.5).run_blocking()
    assert set(recording.errors) == {"LookupError: no such table"}
    assert recording.complaints
    verdict = judge(recording)
    assert verdict.outcome == "unclear"
    assert "no such table" in verdict.evidence


def test_an_error_of_the_caller_leaves_nothing():
    def broken(_: Recording) -> None:
        raise LookupError("the chart fell off")

    with nothing_left(), pytest.raises(LookupError, match="fell off"):
        asyncio.run(Experiment(step2_fixed, 2, seconds=60).run(broken))
    with nothing_left(), pytest.raises(ValueError, match="adds up to"):
        Experiment(step2_fixed, 2, {"stalled": 3}).run_blocking()


def test_a_command_is_a_server_too_and_what_it_hides_is_absent():
    command = [sys.executable, "-m", "servers.step2_fixed"]
    with nothing_left():
        recording = Experiment(
            command, 4, {"stalled": 2, "steady": 2}, 50, seconds=2
        ).run_blocking()
    end = recording.samples[-1].group()
    assert (end.write_buffer_bytes, end.hoarded_bytes) == (None, None)
    assert (recording.setup["sndbuf_asked"], recording.setup["sndbuf_granted"]) == (None, None)
    assert recording.setup["server"] == "python -m servers.step2_fixed"
    assert min(one.received_tokens for one in recording.streams if one.habit == "steady") > 0
    assert recording.samples[-1].rss_bytes is not None
    assert (recording.errors, recording.complaints) == ([], [])
    assert "127.0.0.1" in recording.printed


# -- Ctrl-C ---------------------------------------------------------------------------------------

ROUNDS = 6
INTERRUPTED = """
import json, sys
from servers import step1_broken
from tests.mechanism import children, sockets, threads
from workshop_lib.experiment import Experiment

before = threads()
for _ in range(int(sys.argv[1])):
    print("begins", flush=True)
    try:
        Experiment(step1_broken, 3, seconds=600).run_blocking()
    except KeyboardInterrupt:
        left = [thread.name for thread in threads() - before]
        print(json.dumps([left, sorted(children()), len(sockets())]), flush=True)
"""


def marked(mark: str) -> list[int]:
    """Find every process that was started, however indirectly, with a mark in its environment."""
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("INTERRUPTED") == mark and not gone(process.pid):
                found.append(process.pid)
        except psutil.Error:
            pass
    return found


def test_an_interrupt_at_any_moment_leaves_nothing():
    mark, rng = str(os.getpid()), random.Random(7)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore:coroutine", "-c", INTERRUPTED, str(ROUNDS)],
        env=os.environ | {"INTERRUPTED": mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    try:
        for delay_s in [0.0, *(rng.uniform(0, 2.5) for _ in range(ROUNDS - 1))]:
            assert process.stdout.readline() == "begins\n"
            time.sleep(delay_s)
            process.send_signal(signal.SIGINT)
            assert json.loads(process.stdout.readline()) == [[], [], 0], delay_s
        printed, complained = process.communicate(timeout=60)
        assert printed == ""
        # Python has words of its own for an interrupt while asyncio.run() makes its loop
        assert "workshop_lib" not in complained, complained
        until(lambda: not marked(mark), 5)
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


# -- pace -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mix", "shares"),
    [({"stalled": 45, "steady": 5}, {"stalled": 0.9, "steady": 0.1}), ({"stalled": 1}, None)],
)
def test_the_quick_pace_brings_as_many_tokens_to_each_reader(
    mix: Mapping[str, float], shares: Mapping[str, float] | None, monkeypatch: pytest.MonkeyPatch
):
    full = Experiment(step2_fixed, mix=mix)
    monkeypatch.setenv("WORKSHOP_PACE", "full")
    assert full.at_pace() == full
    monkeypatch.setenv("WORKSHOP_PACE", "quick")
    quick = full.at_pace()
    assert quick.readers == 10
    assert quick.tokens_per_s * quick.seconds == full.tokens_per_s * full.seconds
    assert quick.seconds * quick.time_lapse == full.seconds
    assert quick.mix == (shares or mix)
    assert quick.at_pace() == quick  # once is enough
