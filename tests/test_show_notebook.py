"""What a saved notebook keeps of a run, in a real kernel."""

import base64
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.mechanism import children
from tests.show_kernel import Kernel, kernel

SET_UP = """
from servers import step1_broken
from workshop_lib.experiment import Experiment
from workshop_lib.show import *
def small(seconds):
    return Experiment(step1_broken, readers=5, mix={"stalled": 4, "steady": 1}, seconds=seconds)
"""
LEFT = """
import threading
from tests.mechanism import children
[len(children()), [t.name for t in threading.enumerate() if "server" in t.name]]
"""


@pytest.fixture(scope="module")
def notebook() -> Iterator[Kernel]:
    with kernel() as started:
        assert not started.run(SET_UP)
        yield started


def test_a_run_leaves_a_picture_and_its_words_and_no_widget(notebook: Kernel):
    picture, words = notebook.run("run = await watch(small(3))")
    assert set(picture.data) == {"image/png", "text/plain"}
    assert base64.b64decode(picture.data["image/png"]).startswith(b"\x89PNG")
    assert picture.metadata["image/png"]["width"] == 760
    assert picture.data["text/plain"] == picture.metadata["image/png"]["alt"]
    assert "for 4 slow readers" in picture.data["text/plain"]
    assert "Server step1_broken" in words.data["text/markdown"]


def test_a_replay_leaves_the_same(notebook: Kernel):
    notebook.run("run = await watch(small(2))")
    picture, words = notebook.run("await replay(run, speed=10)")
    assert set(picture.data) == {"image/png", "text/plain"}
    assert "replayed 10 times as fast" in words.data["text/markdown"]


def test_a_ledger_leaves_its_frozen_table_and_no_widget(notebook: Kernel):
    (table,) = notebook.run("run = await watch_ledger(small(2))")
    assert set(table.data) == {"text/html", "text/plain"}
    assert "Unaccounted for: 0 bytes." in table.data["text/plain"]


def test_an_interrupted_run_leaves_its_last_frame_and_nothing_running(notebook: Kernel):
    km = notebook.client.km
    assert km is not None
    pid = km.provisioner.pid  # type: ignore[union-attr]

    def interrupt_when_it_runs() -> None:
        deadline_s = time.monotonic() + 60
        while len(children(pid)) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.1)
        time.sleep(1.5)
        psutil.Process(pid).send_signal(2)

    interrupting = threading.Thread(target=interrupt_when_it_runs)
    interrupting.start()
    outputs = notebook.run("await watch(small(120))")
    interrupting.join()
    assert outputs[0].data["image/png"]
    assert outputs[-1].output_type == "error"
    assert outputs[-1].ename in ("KeyboardInterrupt", "CancelledError")
    assert notebook.text(LEFT) == "[0, []]"


def test_a_failing_run_raises_its_sentence(notebook: Kernel):
    outputs = notebook.run('await watch(Experiment(["no-such-program"], seconds=3))')
    assert "install it, or give its whole path" in outputs[-1].evalue
    assert "application/vnd.jupyter.widget-view+json" not in outputs[0].data
    assert notebook.text(LEFT) == "[0, []]"


def test_a_guess_is_kept_and_compared(notebook: Kernel):
    asked = notebook.run('predict("memory", "How much will it hold?", "MB")')
    assert asked[0].data["text/plain"] == "Your guess: How much will it hold? ______ MB"
    assert notebook.text('compare_prediction("memory", 40.25, "MB")') == "Measured: 40.2 MB"
    notebook.run(
        "import ipywidgets",
        "fields = ipywidgets.Widget._active_widgets if hasattr(ipywidgets.Widget, "
        "'_active_widgets') else ipywidgets.widgets.widget._instances",
        "field = [w for w in fields.values() if isinstance(w, ipywidgets.Text)][-1]",
        'field.value = " 10 "',
    )
    said = notebook.text('compare_prediction("memory", 40, "MB")')
    assert said == "You guessed 10 MB; measured 40 MB: 4 times as much"
    again = notebook.text('predict("memory", "How much will it hold?", "MB")')
    assert again == asked[0].data["text/plain"]
    assert said == notebook.text('compare_prediction("memory", 40, "MB")')
