"""How long a process has waited for a core: seen where two share one."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from workshop_lib.meter import waiting
from workshop_lib.meter.waiting import Waiting

SPIN = "import os\nos.sched_setaffinity(0, {%d})\nprint(flush=True)\nwhile True: pass"
SPUN_S = 1.0

on_linux = pytest.mark.skipif(
    not os.path.exists("/proc/self/schedstat"), reason="this system does not tell it"
)


@pytest.fixture
def on_one_core() -> Iterator[list[int]]:
    """Let two processes want the same core, all of it."""
    core = min(os.sched_getaffinity(0))
    with ExitStack() as stack:
        command = [sys.executable, "-c", SPIN % core]
        both = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE)) for _ in range(2)
        ]
        for process in both:
            stack.callback(process.kill)
            assert process.stdout
            process.stdout.readline()
        yield [process.pid for process in both]


@on_linux
def test_who_shares_a_core_waits_for_it(on_one_core: list[int]):
    counted = Waiting(on_one_core)
    time.sleep(SPUN_S)
    assert counted.seconds() > SPUN_S / 4


@on_linux
def test_who_has_nothing_to_do_does_not_wait():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as idle:
        time.sleep(SPUN_S / 2)  # its start is its own
        counted = Waiting([idle.pid])
        time.sleep(SPUN_S / 2)
        assert counted.seconds() < SPUN_S / 4
        idle.kill()


def test_a_process_that_has_gone_waits_for_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert Waiting([gone.pid]).seconds() == 0


def test_where_no_account_is_kept_nobody_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "_threads", lambda pid: ["no-such-thread"])
    assert Waiting([os.getpid()]).seconds() == 0
