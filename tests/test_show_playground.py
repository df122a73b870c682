"""The playground: its button runs what its sliders say, once at a time, and loses no error."""

import asyncio
from typing import Any

import pytest

from servers import step1_broken
from tests.show_recordings import seen
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.show import playground
from workshop_lib.show.playground import Playground


def small(readers: int, habit: str, **knobs: Any) -> Experiment:
    return Experiment(step1_broken, readers=readers, mix={habit: 1.0}, seconds=60, **knobs)


async def stopped(place: Playground) -> Recording:
    """Stop a run when it shows something, and return what it recorded."""
    await seen(lambda: Playground.running is place and place.screen and place.screen.recording)
    assert place.screen
    place.screen.stop.click()
    await seen(lambda: Playground.running is None)
    assert place.recording
    return place.recording


async def test_it_runs_what_its_controls_say():
    place = playground(small)
    place.controls["readers"].value = 3
    place.controls["token_bytes"].value = 50
    place.controls["habit"].value = "steady"
    place.start.click()
    setup = (await stopped(place)).setup
    assert (setup["readers"], setup["token_bytes"]) == (3, 50)
    assert setup["mix"] == {"steady": 3}
    assert place.message.value == ""


async def test_a_second_start_says_so_and_starts_nothing():
    place, other = playground(small), playground(small)
    place.controls["readers"].value = 2
    place.start.click()
    await seen(lambda: place.screen and place.screen.recording)
    screen = place.screen
    place.start.click()
    other.start.click()
    await seen(lambda: place.message.value and other.message.value)
    assert place.screen is screen
    assert other.screen is None
    for text in (place.message.value, other.message.value):
        assert text == "A run is going on: stop it, or wait for its end."
    await stopped(place)
    assert place.message.value == ""


async def test_it_can_be_started_again():
    place = playground(small)
    place.controls["readers"].value = 2
    place.start.click()
    first = await stopped(place)
    old_screen = place.screen
    place.start.click()
    await seen(lambda: place.screen is not old_screen)
    assert await stopped(place) is not first


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (RuntimeError("The process died. Start it again."), "The process died. Start it again."),
        (KeyError("habit"), "KeyError: &#x27;habit&#x27;. Press Start again, or restart"),
    ],
)
async def test_an_error_is_a_sentence_in_the_widget(problem: Exception, said: str):
    def failing(**_: Any) -> Experiment:
        raise problem

    place = playground(failing)
    place.start.click()
    await seen(lambda: place.message.value)
    assert said in place.message.value
    assert Playground.running is None


async def test_a_run_that_fails_under_way_says_why():
    place = playground(lambda **_: Experiment(["no-such-program"], seconds=5))
    place.start.click()
    await seen(lambda: place.message.value)
    assert "install it, or give its whole path" in place.message.value


async def test_shown_and_not_clicked_it_runs_nothing():
    place = playground(small)
    shown = place._repr_mimebundle_()
    assert shown["text/plain"].startswith("Controls (readers, ")
    await asyncio.sleep(0.3)
    assert place.screen is None
