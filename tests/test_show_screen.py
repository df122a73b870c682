"""Runs on a screen: the button, an interrupt, a failure; nothing is left behind by any of them."""

import asyncio
import threading

import pytest

from servers import step1_broken
from tests.mechanism import children, nothing_left
from tests.show_recordings import SETUP, a_run, seen
from workshop_lib.experiment import Experiment
from workshop_lib.show.live import perform, plan_of
from workshop_lib.show.screen import Screen

SMALL = Experiment(step1_broken, readers=5, mix={"stalled": 4, "steady": 1}, seconds=120)


async def test_the_stop_button_ends_a_run_early():
    screen = Screen(plan_of(SMALL))
    assert screen.stop.disabled
    running = asyncio.create_task(perform(SMALL, screen))
    await seen(lambda: screen.recording and len(screen.recording.samples) > 1)
    assert not screen.stop.disabled
    screen.stop.click()
    assert screen.stop.disabled
    recording = await running
    assert 0 < recording.samples[-1].t_s < 100
    assert screen.recording is recording
    assert recording.streams


async def test_a_click_on_another_thread_counts_as_well():
    screen = Screen(plan_of(SMALL))
    running = asyncio.create_task(perform(SMALL, screen))
    await seen(lambda: screen.recording)
    clicking = threading.Thread(target=screen.stop.click)
    clicking.start()
    recording = await running
    clicking.join()
    assert recording.samples[-1].t_s < 100


async def test_an_interrupt_leaves_nothing_behind_but_the_last_frame():
    screen, processes = Screen(plan_of(SMALL)), children()
    empty = screen.png
    with nothing_left():
        running = asyncio.create_task(perform(SMALL, screen))
        await seen(lambda: screen.recording)
        assert children() > processes
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert screen.png != empty
    assert "the LLM had produced" in screen.sentence()


def test_a_screen_moves_with_its_recording():
    run = a_run()
    screen = Screen(SETUP, note="A note.")
    pictures: list[bytes] = []
    screen.image.observe(lambda change: pictures.append(change["new"]), names="value")
    for t_s in (3.0, 6.0, 15.0):
        screen.show(run.until(t_s))
        assert screen.progress.value == t_s
    assert len(set(pictures)) == 3
    assert "A note. Server step1_broken; 25 readers" in screen.words.value
    screen.end()
    assert "After 15.0 s the LLM had produced 12,000 tokens" in screen.words.value


def test_what_is_kept_is_a_picture_with_its_sentence():
    screen = Screen(SETUP)
    assert "run the cell again" in screen.sentence()
    screen.show(a_run())
    kept = screen.picture()
    assert set(kept) == {"image/png", "text/plain"}
    assert kept["text/plain"].endswith(": growing.")


def test_a_server_that_is_html_does_no_harm():
    run = a_run()
    run.setup["server"] = "<script>alert(1)</script>"
    screen = Screen(SETUP)
    screen.show(run)
    assert "<script>" not in screen.words.value
