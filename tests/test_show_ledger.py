"""The ledger as a table: its layers add up, and a frozen pipe leaves nothing unaccounted for."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from servers import step1_broken, step3_cancelling
from tests.mechanism import nothing_left
from tests.show_recordings import SETUP, a_run, seen
from workshop_lib.experiment import SLOW_3G, Experiment
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.recording import Gauges, Recording
from workshop_lib.show.ledger import LedgerScreen, layers, unaccounted_bytes
from workshop_lib.show.live import perform

sees_kernel = pytest.mark.skipif(
    kernel_queues() is None, reason="this system does not show kernel queues"
)

RUN: dict[str, Any] = {
    "readers": 10, "mix": {"stalled": 0.6, "steady": 0.4}, "tokens_per_s": 100, "seconds": 2,
}  # fmt: skip


def gauges(**changed: Any) -> Gauges:
    """Produced 100: 10 before the server, 20 in it, 30 on their way (of 900 bytes), 40 received."""
    made = Gauges(1, 1, 100, 10, 20, 640, 300, 600, 30, 40, 1200, llm_bytes=3700, given_bytes=2100)
    return replace(made, **changed)


def test_the_layers_of_a_moment_add_up_to_what_was_produced():
    rows = layers(gauges())
    assert [(row.tokens, row.wire_bytes) for row in rows] == [
        (10, 3700), (20, 640), (10, 300), (20, 600), (40, 1200),
    ]  # fmt: skip
    assert sum(row.tokens or 0 for row in rows) == 100


def test_a_link_is_a_layer_where_there_is_one():
    rows = layers(gauges(link_bytes=900, downstream_tokens=60), has_link=True)
    assert [row.name for row in rows][-2] == "on the slow link"
    assert [row.tokens for row in rows] == [10, 20, 10, 20, 30, 40]


def test_what_no_layer_holds_is_said_with_its_sign():
    assert unaccounted_bytes(gauges()) == 0
    assert unaccounted_bytes(gauges(given_bytes=2110)) == 10
    assert unaccounted_bytes(gauges(kernel_bytes=610)) == -10
    assert unaccounted_bytes(gauges(given_bytes=None)) is None


def test_what_cannot_be_seen_is_not_counted_as_zero():
    screen = LedgerScreen(SETUP)
    screen.show(a_run(unseen=True))
    said = screen.table()
    for kind in ("text/plain", "text/html"):
        assert "unseen" in said[kind]
        assert "What the server gave its connections cannot be seen here." in said[kind]


@sees_kernel
@pytest.mark.parametrize("server", [step1_broken, step3_cancelling])
@pytest.mark.parametrize("link", [None, SLOW_3G], ids=["no link", "a link"])
def test_on_a_frozen_pipe_nothing_is_unaccounted_for(server: Any, link: Any):
    run = Experiment(server, **RUN, link=link).run_blocking()
    moment = Gauges.of(run.streams)
    assert moment.given_bytes and moment.given_bytes > 10_000
    assert unaccounted_bytes(moment) == 0


@sees_kernel
def test_in_a_process_of_its_own_too():
    run = Experiment(step3_cancelling, **RUN, fresh_process=True).run_blocking()
    assert unaccounted_bytes(Gauges.of(run.streams)) == 0


@sees_kernel
async def test_the_button_freezes_the_pipe():
    screen = LedgerScreen({"seconds": 60})
    with nothing_left():
        long_run = replace(Experiment(step1_broken, **RUN), seconds=60)
        running = asyncio.create_task(perform(long_run, screen))
        await seen(lambda: "Unaccounted for" in screen.words.value)
        assert not screen.stop.disabled
        screen.stop.click()
        run = await running
    assert run.samples[-1].t_s < 55
    assert "Unaccounted for: 0 bytes." in screen.words.value


def test_before_the_first_sample_there_is_a_sentence():
    screen = LedgerScreen(SETUP)
    screen.show(Recording(SETUP))
    assert screen.table()["text/plain"].endswith("run the cell again.")
