"""Calls a learner's function in a thread, and breaks into one that does not come back."""

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

from workshop_lib.exercises.code import in_words, line_in, places_in
from workshop_lib.exercises.contract import NotYet

CALL_TIMEOUT_S = 3.0


class TookTooLong(BaseException):
    """Raised inside a learner's code that does not give the thread back."""


def call(attempt: Callable[..., Any], *arguments: Any) -> Any:
    """Call a learner's plain function; NotYet if it raises, or is busy for more than 3 s."""
    advice = "It has to return at once: let it describe a run, and leave running it to the check."
    return watched(attempt, lambda: attempt(*arguments), advice)


def watched(attempt: Callable[..., Any], work: Callable[[], Any], advice: str) -> Any:
    """Do some work with a learner's function; NotYet, with advice, as `call` has it."""
    returned: list[Any] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(work())
        except BaseException as problem:
            raised.append(problem)

    thread = threading.Thread(target=run, name="a learner's function", daemon=True)
    thread.start()
    thread.join(CALL_TIMEOUT_S)
    if thread.is_alive():
        where = line_in(attempt, places_in(frame_of(thread.ident)))
        interrupt(thread.ident)
        thread.join(CALL_TIMEOUT_S)
        raise NotYet(f"Your function was still busy after {CALL_TIMEOUT_S:.0f} s{where}. {advice}")
    if raised and isinstance(raised[0], NotYet):
        raise raised[0]
    if raised:
        raise NotYet(f"Your function raised {in_words(raised[0], attempt)}. Repair that line.")
    return returned[0]


def frame_of(thread_id: int | None) -> Any:
    return sys._current_frames().get(thread_id or 0)  # pyright: ignore[reportPrivateUsage]


def interrupt(thread_id: int | None) -> None:
    """Raise TookTooLong in a thread, as soon as it runs Python again."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id or 0), ctypes.py_object(TookTooLong)
    )
