"""The crowd: readers with habits, in a process of their own."""

from workshop_lib.pipe.crowd.habits import (
    Freezer,
    Leaver,
    Returner,
    Sleeper,
    Stalled,
    Steady,
    Stopper,
)
from workshop_lib.pipe.crowd.process import Crowd
from workshop_lib.pipe.crowd.row import ReaderRow, Report

__all__ = [
    "Crowd",
    "Freezer",
    "Leaver",
    "ReaderRow",
    "Report",
    "Returner",
    "Sleeper",
    "Stalled",
    "Steady",
    "Stopper",
]
