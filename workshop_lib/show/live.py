"""An experiment watched while it runs, and a recorded one watched again."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from html import escape
from typing import Any, Protocol

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from workshop_lib.experiment import UPDATE_S, Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.show.frame import WIDTH_PX
from workshop_lib.show.money import Price
from workshop_lib.show.screen import Screen


async def watch(
    experiment: Experiment, beside: Recording | None = None, price: Price | None = None
) -> Recording:
    """Run an experiment under a live chart and return its recording.

    `beside` is an earlier run, drawn dashed on the same axis; `price` turns tokens that nobody got
    into money. However it ends, a picture takes the
    chart's place, with a sentence and a caption. Await it: a blocked cell cannot be stopped.
    """
    with _shown(Screen(plan_of(experiment), beside, price=price)) as screen:
        return await perform(experiment, screen)


async def replay(recording: Recording, speed: float = 4.0) -> None:
    """Play a recording in the same chart, `speed` times as fast as it ran."""
    if speed <= 0:
        raise ValueError("speed must be above 0: 1 is as fast as it ran, 4 four times as fast.")
    stopping = asyncio.Event()
    note = f"A recording, replayed {speed:g} times as fast."
    with _shown(Screen(recording.setup, note=note)) as screen:
        screen.on_stop(_from_any_thread(stopping))
        end_s = recording.samples[-1].t_s if recording.samples else 0.0
        start, t_s = time.monotonic(), 0.0
        while t_s < end_s and not stopping.is_set():
            beats = (time.monotonic() - start) / UPDATE_S
            await asyncio.sleep((1 - beats % 1) * UPDATE_S)  # drawing is part of the beat
            t_s = (time.monotonic() - start) * speed
            screen.show(recording.until(t_s))


def plan_of(experiment: Experiment) -> dict[str, Any]:
    """Return what a chart has to know before the run begins."""
    experiment = experiment.at_pace()
    return {
        "seconds": experiment.seconds,
        "mix": experiment.mix,
        "tokens_per_s": experiment.tokens_per_s,
        "answer_tokens": experiment.answer_tokens,
        "link": experiment.link and asdict(experiment.link),
        "proxy": experiment.proxy and asdict(experiment.proxy),
    }


class Shows(Protocol):
    """What an experiment can be watched on."""

    def on_stop(self, stop: Callable[[], None]) -> None: ...
    def show(self, recording: Recording) -> None: ...


async def perform(experiment: Experiment, screen: Shows) -> Recording:
    """Run an experiment on a screen, whose button stops it."""
    stopping = asyncio.Event()
    screen.on_stop(_from_any_thread(stopping))
    recording = await experiment.run(screen.show, stopping)
    screen.show(recording)
    return recording


def _from_any_thread(event: asyncio.Event) -> Callable[[], None]:
    """Return what sets an event of this loop: JupyterLab's clicks arrive on another thread."""
    loop = asyncio.get_running_loop()

    def set_event() -> None:
        loop.call_soon_threadsafe(event.set)

    return set_event


@contextmanager
def _shown(screen: Screen) -> Generator[Screen]:
    """Show a screen; in the end put its picture in its place, which a saved notebook keeps."""
    place: Any = display(screen.widget, display_id=True)
    try:
        yield screen
    finally:
        size = {"image/png": {"width": WIDTH_PX, "alt": screen.sentence()}}
        place.update(screen.picture(), raw=True, metadata=size)
        under = screen.caption(screen.recording) if screen.recording else ""
        words = screen.sentence()
        markdown = f"{escape(words)}\n\n<small>{escape(under)}</small>"
        display({"text/markdown": markdown, "text/plain": f"{words}\n{under}"}, raw=True)
        screen.close()
