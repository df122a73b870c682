"""Sliders for an experiment, a button that starts it, and its chart below."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

import asyncio
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets

from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.show.bundle import widget_bundle
from workshop_lib.show.live import perform, plan_of
from workshop_lib.show.screen import Screen

_LABEL: dict[str, str] = {"description_width": "120px"}
_WIDE: dict[str, str] = {"width": "420px"}
HABITS = ("stalled", "sleeper:1024:1", "steady:400", "steady")


class Playground:
    """What `playground()` makes; the end of a cell shows it. `recording` is the last whole run."""

    running: "Playground | None" = None  # two runs at once would measure one another

    def __init__(self, make_experiment: Callable[..., Experiment], habits: Sequence[str]) -> None:
        self._make_experiment = make_experiment
        self._loop = asyncio.get_running_loop()
        self.recording: Recording | None = None
        self.screen: Screen | None = None
        self.controls: dict[str, Any] = {
            "readers": _slider("readers", 25, 1, 100),
            "tokens_per_s": _slider("tokens/s for each", 40, 1, 100),
            "token_bytes": _slider("bytes a token", 5, 5, 2000),
            "habit": ipywidgets.Dropdown(
                options=list(habits), description="slow readers are", style=_LABEL, layout=_WIDE
            ),
        }
        self.start = ipywidgets.Button(description="Start", icon="play", button_style="primary")
        self.start.on_click(self._clicked)
        self.message = ipywidgets.HTML()
        self._place = ipywidgets.VBox([])
        row = ipywidgets.HBox([self.start, self.message])
        self.widget = ipywidgets.VBox([*self.controls.values(), row, self._place])

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        names = ", ".join(str(control.description) for control in self.controls.values())
        return widget_bundle(self.widget, f"Controls ({names}): run this notebook to use them.")

    def _clicked(self, _: object) -> None:
        """Run on the kernel's loop: the click may have arrived on another thread."""
        asyncio.run_coroutine_threadsafe(self._run(), self._loop)

    async def _run(self) -> None:
        if Playground.running:
            self.message.value = "A run is going on: stop it, or wait for its end."
            return
        Playground.running = self
        try:
            await self._watch()
            self.message.value = ""
        except asyncio.CancelledError:
            self.message.value = "Interrupted: press Start to run it again."
            raise
        except Exception as problem:
            self.message.value = f"<b>It failed.</b> {escape(_sentence(problem))}"
        finally:
            Playground.running = None

    async def _watch(self) -> None:
        self.message.value = ""
        if self.screen:
            self.screen.close()
        values = {name: control.value for name, control in self.controls.items()}
        experiment = self._make_experiment(**values)
        self.screen = screen = Screen(plan_of(experiment))
        self._place.children = [screen.widget]
        try:
            self.recording = await perform(experiment, screen)
        finally:
            screen.end()


def playground(
    make_experiment: Callable[..., Experiment], habits: Sequence[str] = HABITS
) -> Playground:
    """Let the learner turn the knobs of an experiment; write it as the last line of a cell.

    `make_experiment` takes `readers`, `tokens_per_s`, `token_bytes` and `habit`.
    """
    return Playground(make_experiment, habits)


def _slider(description: str, value: int, least: int, most: int) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(
        value, least, most, description=description, style=_LABEL, layout=_WIDE
    )


def _sentence(problem: Exception) -> str:
    """Return what went wrong; the name of what was raised, too, where its text is no sentence."""
    text = str(problem)
    if " " in text and isinstance(problem, (RuntimeError, ValueError, OSError)):
        return text
    return f"{type(problem).__name__}: {text}. Press Start again, or restart the kernel."
