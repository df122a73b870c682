"""A child process starts, or is quoted with its last words; it never outlives its parent."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.mechanism import gone, nothing_left, until
from workshop_lib.pipe import child as child_module
from workshop_lib.pipe.child import Child
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import listening_socket

MODULE = "tests.child_module"


def test_messages_go_both_ways_in_order():
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    child = Child(MODULE, {"do": "echo"}, heard.put)
    try:
        assert child.ready == {"ready": child.pid}
        for number in range(200):
            child.send({"number": number})
        assert [heard.get(timeout=30) for _ in range(200)] == [
            {"echo": {"number": number}} for number in range(200)
        ]
    finally:
        child.stop()


@pytest.mark.parametrize(
    ("do", "why"),
    [
        ("fail", "ValueError: the well is dry"),
        ("exit", "port 1 is taken"),
        ("quit", "it said nothing"),
    ],
)
def test_a_child_that_does_not_start_is_quoted(do: str, why: str):
    with nothing_left(), pytest.raises(RuntimeError) as problem:
        Child(MODULE, {"do": do})
    assert f"did not start: {why}. Run `" in str(problem.value)


def test_a_module_that_does_not_exist_is_named():
    with nothing_left(), pytest.raises(RuntimeError, match=r"No module named tests\.nothing"):
        Child("tests.nothing")


def test_a_child_that_does_not_get_ready_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child_module, "START_TIMEOUT_S", 1.0)
    with nothing_left(), pytest.raises(RuntimeError, match="it did not get ready"):
        Child(MODULE, {"do": "sleep"})


def test_a_library_that_prints_is_not_taken_for_a_message():
    child = Child(MODULE, {"do": "chatter"})
    child.stop()
    assert child.ready == {"ready": child.pid}


def test_a_taken_port_is_told_in_the_childs_own_words():
    with listening_socket() as taken, nothing_left():
        port = taken.getsockname()[1]
        for _ in range(5):  # its thread that waits for the parent must not spoil them
            with pytest.raises(RuntimeError, match=rf"cannot listen on 127.0.0.1:{port} .*port 0"):
                FakeLLM(port=port)


def test_stop_leaves_nothing_and_may_be_said_twice():
    with nothing_left():
        child = Child(MODULE, {"do": "echo"})
        child.stop()
        assert not child.alive
        child.stop()
        child.send({"too": "late"})


def test_a_child_that_does_not_notice_is_killed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child_module, "STOP_TIMEOUT_S", 0.5)
    with nothing_left():
        child = Child(MODULE, {"do": "deaf"})
        child.stop()
        assert gone(child.pid)


@pytest.mark.parametrize(
    "start",
    [
        "FakeLLM().pid",
        "Crowd('http://127.0.0.1:9', processes=3).start().pids[-1]",
        "Child('tests.child_module', {'do': 'echo'}).pid",
    ],
)
def test_a_child_ends_with_a_parent_that_was_killed(start: str):
    program = (
        "import time\n"
        "from workshop_lib.pipe.child import Child\n"
        "from workshop_lib.pipe.crowd import Crowd\n"
        "from workshop_lib.pipe.fake_llm import FakeLLM\n"
        f"print({start}, flush=True)\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert not gone(pid)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    until(lambda: gone(pid), 10)


@pytest.mark.parametrize(
    "start",
    [lambda: Child(MODULE, {"do": "echo"}), FakeLLM],
    ids=["child", "fake LLM"],
)
# between making a socket or pipe and its `with`, an interrupt leaves closing to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.01, 0.1, 0.3])
def test_an_interrupt_while_it_starts_leaves_nothing(
    start: Callable[[], Child | FakeLLM], delay_s: float
):
    def interrupt() -> None:
        threading.Event().wait(delay_s)
        os.kill(os.getpid(), signal.SIGINT)

    with nothing_left():
        interrupting = threading.Thread(target=interrupt)
        started = None
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come at any moment
            interrupting.start()
            started = start()
            threading.Event().wait(30)
        interrupting.join()
        if started:  # it was quicker than the interrupt
            started.stop()
