"""A crowd in several processes: the same readers, one freeze, and nothing left of any of them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from itertools import chain

import psutil
import pytest

from servers import step2_fixed
from tests.mechanism import gone, nothing_left, until
from tests.test_crowd import Flood, ended
from workshop_lib.experiment import Experiment
from workshop_lib.pipe.crowd import Crowd, ReaderRow
from workshop_lib.pipe.crowd.row import news_of, told
from workshop_lib.pipe.server import ServerThread

NOWHERE = "http://127.0.0.1:1/chat"
MIX = {"steady": 0.4, "leaver:7": 0.2, "sleeper:300:0.01": 0.2, "freezer:5:0.1": 0.2}


def dealt(readers: int, mix: str = "steady", **options) -> list[list]:
    """Return what each process is told of its readers."""
    return [share["readers"] for share in Crowd(NOWHERE, readers, mix, **options)._shares]


# --- who is where


@pytest.mark.parametrize("processes", [1, 2, 3, 30])
def test_readers_are_the_same_however_many_processes_they_are_in(processes: int):
    mix = {"steady": 0.5, "stalled": 0.3, "leaver:4": 0.2}
    shares = [
        share["readers"]
        for share in Crowd(NOWHERE, 30, mix, seed=7, ramp_s=2.0, processes=processes)._shares
    ]
    alone = Crowd(NOWHERE, 30, mix, seed=7, ramp_s=2.0, processes=1)._shares[0]["readers"]
    assert sorted(chain(*shares)) == alone
    assert [reader for reader, _, _ in alone] == list(range(30))
    assert {len(share) for share in shares} == {30 // processes}


def test_the_same_answers_reach_the_same_readers_from_one_process_and_from_three():
    def rows(processes: int) -> list[tuple[object, ...]]:
        with (
            ServerThread(Flood(tokens=60).app) as server,
            Crowd(f"{server.url}/chat", 20, MIX, seed=3, processes=processes) as crowd,
        ):
            assert len(crowd.pids) == processes
            return [whole(row) for row in crowd.wait_until(ended)]

    assert rows(3) == rows(1)


def whole(row: ReaderRow) -> tuple[object, ...]:
    """All that does not depend on the moment; how far a leaver has read beyond its tokens does."""
    size = (row.wire_bytes, row.body_bytes) if row.state == "done" else ()
    who = row.reader, row.habit, row.prompt, row.state, row.status, row.tokens, row.in_order
    return *who, row.complete, row.error, *size


@pytest.mark.parametrize(
    ("readers", "cores", "processes"),
    [(25, 8, 1), (1000, 8, 1), (1001, 8, 2), (5000, 2, 2), (5000, 64, 5), (0, 8, 1)],
)
def test_a_thousand_readers_take_a_process(
    monkeypatch: pytest.MonkeyPatch, readers: int, cores: int, processes: int
):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert len(dealt(readers)) == processes


@pytest.mark.parametrize("processes", [0, -1, 11])
def test_processes_without_a_reader_are_refused_with_a_sentence(processes: int):
    with pytest.raises(ValueError, match=r"over -?\d+ processes. Give 1 to 10, or leave it out"):
        Crowd(NOWHERE, 10, processes=processes)


def test_a_large_crowd_does_not_come_all_at_once():
    def begins(readers: int) -> list[float]:
        return [begin_s for _, _, begin_s in chain(*dealt(readers))]

    assert set(begins(500)) == {0.0}
    for second in range(4):
        came = sum(second <= begin_s < second + 1 for begin_s in begins(4000))
        assert 900 < came < 1100


# --- what is reported


ROW = ReaderRow(
    3, "steady:9", "reader 3", 5, "reading", 200, True, False, None, 0.5, 1.5, 7, 6, 99, 80, 88
)


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (ROW, 0),
        (ROW._replace(tokens=8, wire_bytes=120), 6),
        (ROW._replace(due_bytes=90), 6),
        (ROW._replace(state="done"), 16),
        (ROW._replace(tokens=8, error="it broke"), 16),
    ],
)
def test_only_what_has_changed_is_told_and_it_is_enough(row: ReaderRow, values: int):
    rows = {3: ROW}
    news = news_of(row, ROW)
    assert len(news or ()) == values
    if news:
        told(news, rows)
    assert rows == {3: row}


def test_a_reader_of_whom_nothing_was_told_is_told_whole():
    rows: dict[int, ReaderRow] = {}
    told(news_of(ROW, None) or (), rows)
    assert rows == {3: ROW}


def test_a_frozen_crowd_whose_sockets_are_full_has_nothing_to_do():
    with (
        ServerThread(Flood().app, sndbuf=4096) as server,
        Crowd(f"{server.url}/chat", 9, rcvbuf=4096, processes=3) as crowd,
    ):
        crowd.wait_until(lambda rows: all(row.tokens > 100 for row in rows))
        crowd.freeze()
        began = crowd.report()
        threading.Event().wait(1)
        now = crowd.refresh()
    # a loop that asks again and again whether it may read takes whole cores
    assert now.cpu_s - began.cpu_s < (now.now_s - began.now_s) / 2


# --- when something goes wrong


def test_a_process_that_was_killed_is_told_to_whoever_looks():
    flood = Flood()
    with nothing_left(), ServerThread(flood.app, sndbuf=4096) as server:
        with Crowd(f"{server.url}/chat", 12, rcvbuf=4096, processes=3) as crowd:
            crowd.wait_until(lambda rows: all(row.tokens for row in rows))
            os.kill(crowd.pids[1], signal.SIGKILL)
            said = r"One of the crowd's 3 processes has ended, with 4 readers .*Start a new Crowd"
            with pytest.raises(RuntimeError, match=said):
                crowd.wait_until(ended)
            for look in (crowd.rows, crowd.refresh, crowd.freeze, crowd.thaw):
                with pytest.raises(RuntimeError, match=said):
                    look()
        until(lambda: flood.readers == 0)
        assert all(gone(pid) for pid in crowd.pids)
        assert len(crowd.rows()) == 12  # what they last said is still there


def test_an_experiment_ends_when_a_process_of_its_crowd_was_killed():
    async def run() -> None:
        beats = 0

        def kill(_: object) -> None:
            nonlocal beats
            beats += 1
            if beats == 3:
                below = psutil.Process().children(recursive=True)
                (crowd,) = [child for child in below if child.name() == "crowd"]
                crowd.kill()

        await Experiment(step2_fixed, readers=5, seconds=60, time_lapse=2).run(kill)

    with nothing_left(), pytest.raises(RuntimeError, match="The crowd's process has ended"):
        asyncio.run(run())


def test_a_process_that_does_not_start_takes_the_others_with_it():
    crowd = Crowd(NOWHERE, 12, processes=3)
    crowd._shares[1] |= {"rcvbuf": "little"}
    with nothing_left(), pytest.raises(RuntimeError, match="did not start: TypeError"):
        crowd.start()


# between making a socket or pipe and its `with`, an interrupt leaves closing to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("delay_s", [0.0, 0.002, 0.02, 0.1, 0.3, 0.6])
def test_an_interrupt_while_they_start_leaves_nothing(delay_s: float):
    def interrupt() -> None:
        threading.Event().wait(delay_s)
        os.kill(os.getpid(), signal.SIGINT)

    crowd = Crowd(NOWHERE, 12, "stalled", processes=3)
    with nothing_left():
        interrupting = threading.Thread(target=interrupt)
        with pytest.raises(KeyboardInterrupt), crowd:  # noqa: PT012 - it may come at any moment
            interrupting.start()
            threading.Event().wait(30)
        interrupting.join()


def test_an_interrupt_while_they_stop_leaves_nothing(monkeypatch: pytest.MonkeyPatch):
    with nothing_left():
        crowd = Crowd(NOWHERE, 12, processes=3).start()
        child = crowd._parts._parts[0].child
        end = child.end

        def interrupted() -> None:
            monkeypatch.setattr(child, "end", end)
            raise KeyboardInterrupt

        monkeypatch.setattr(child, "end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            crowd.stop()


# --- the limit of open files

# whatever starts a process fails differently: the limit is looked at before
NO_PROCESS = "import subprocess; subprocess.Popen.__init__ = None; "
START = "from workshop_lib.pipe.crowd import Crowd; Crowd('http://127.0.0.1:1', 300{}).start()"
EXPERIMENT = (
    "from servers import step2_fixed; from workshop_lib.experiment import Experiment; "
    "Experiment(step2_fixed, readers=300).run_blocking()"
)


def under_limit(limit: str, program: str) -> subprocess.CompletedProcess[str]:
    command = f"ulimit {limit} && exec '{sys.executable}' -c \"{program}\""
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files there")
@pytest.mark.parametrize(
    ("limit", "options"), [("-Sn 100", ""), ("-n 200", ", processes=3"), ("-n 364", "")]
)
def test_the_limit_of_open_files_is_raised(limit: str, options: str):
    ran = under_limit(limit, START.format(options))
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files there")
@pytest.mark.parametrize(
    ("program", "connections", "wanted"),
    [
        (START.format(""), 300, 364),
        (START.format(", processes=2"), 150, 214),
        (EXPERIMENT, 600, 664),  # the server holds two for each reader: its own and the LLM's
    ],
)
def test_a_limit_that_cannot_be_raised_is_told_before_anything_starts(
    program: str, connections: int, wanted: int
):
    ran = under_limit("-n 100", NO_PROCESS + program)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"RuntimeError: {wanted} files must be open at once, for {connections} connections, and "
        f"this machine allows 100 to a process. Take fewer readers; or end this program, say "
        f"`ulimit -n {wanted}` in its terminal (as root, if that is refused), and start it from "
        "there."
    )
