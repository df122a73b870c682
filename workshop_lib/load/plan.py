"""What the readers of a load test ask whom, and how they read: read from options, in sentences."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from workshop_lib.doctor.asking import PRESETS, Asking
from workshop_lib.doctor.hosts import check_host
from workshop_lib.load.counting import EventBody, NumberedBody
from workshop_lib.load.mix import shares_of
from workshop_lib.pipe.crowd.answer import Answer
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.habits import Habit, Returner


@dataclass(frozen=True)
class Plan:
    """One call, and how it is read; `rcvbuf` is asked of the kernel (bytes, 0: its own choice)."""

    call: Call
    shares: Mapping[str, float]
    prompt: str
    end_mark: str
    numbered: bool
    rcvbuf: int
    stall_s: float
    patience_s: float
    pause_s: float

    @classmethod
    def of(cls, host: str, options: Mapping[str, Any], allowed: Collection[str]) -> Self:
        """Read the options of a command line, or of a form; raises NotAllowed and ValueError."""
        if not host:
            raise ValueError("Nobody is named to be loaded. Say --host http://127.0.0.1:8000.")
        check_host(host, allowed)
        return cls(
            _asking(options).call(host.rstrip("/")),
            shares_of(options["mix"]),
            options["prompt"],
            options["end_mark"],
            _one_of("--count", options["count"], COUNTS) == "numbers",
            int(_at_least_0("--rcvbuf", options["rcvbuf"])),
            *(_at_least_0(f"--{name}", options[name.replace("-", "_")]) for name in SECONDS),
        )

    def answer(self, habit: Habit, prompt: str) -> Answer:
        """Return what follows the answer to one request."""
        return Answer(self.call, prompt, self.end_mark, isinstance(habit, Returner))

    def body(self) -> EventBody | NumberedBody:
        """Return what counts the tokens of one answer."""
        return (NumberedBody if self.numbered else EventBody)(self.end_mark)


COUNTS = ("events", "numbers")
SECONDS = ("stall-s", "patience-s", "pause-s")


def _asking(options: Mapping[str, Any]) -> Asking:
    preset = _one_of("--preset", options["preset"], tuple(PRESETS))
    body = options["body"] or PRESETS[preset]
    return Asking(options["path"], options["method"], body, _headers(options["header"] or []))


def _headers(lines: Collection[str]) -> dict[str, str]:
    parts = [line.partition(":") for line in lines]
    for name, colon, _ in parts:
        if not colon:
            raise ValueError(f"{name!r} is no header. Write it like --header 'X-User: ada'.")
    return {name.strip(): value.strip() for name, _, value in parts}


def _one_of(option: str, value: str, possible: tuple[str, ...]) -> str:
    if value in possible:
        return value
    raise ValueError(f"{option} cannot be {value!r}. Use one of {', '.join(possible)}.")


def _at_least_0(option: str, value: float | str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if 0 <= number < float("inf"):
        return number
    raise ValueError(f"{option} cannot be {value!r}. Give it a number, 0 or more.")
