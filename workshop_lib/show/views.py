"""Which question a chart answers: its two panels, and the curves in them by name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from workshop_lib.meter.recording import Recording
from workshop_lib.show.curves import CURVES, EARLIER
from workshop_lib.show.units import shorten
from workshop_lib.show.words import has_healthy, has_slow, is_about_leaving

_OF_HOLDING = ("hoarded", "buffers", "kernel", "link", "memory", "before")
_OF_LEAVING = ("wasted", "wasted_before")
_OF_BOTH = ("produced", "received", "healthy")


class View(NamedTuple):
    """The titles by panel, the left one first, and what each curve is called in the key."""

    titles: dict[str, str]
    names: dict[str, str]


def view_of(plan: Mapping[str, Any], before: Recording | None) -> View:
    """Choose by the readers: who stall make a server hold bytes, who leave make it waste tokens."""
    if is_about_leaving(plan):
        titles = {"wasted": "Tokens that nobody got, in all"}
        names = _names(_OF_LEAVING, before, "same, with") | {
            "produced": "produced for readers who leave",
            "received": "received by them",
            "healthy": "received by those who stay",
        }
    else:
        who = "slow readers" if has_slow(plan) else "readers"
        titles = {"held": f"Bytes held for the {who}"}
        names = _names(_OF_HOLDING, before, "held by") | {"received": f"{who} received"}
    if not has_healthy(plan):
        del names["healthy"]
    if not plan.get("link"):
        names.pop("link", None)
    if plan.get("proxy") and "hoarded" in names:
        names["hoarded"] = "in server and proxy"
        del names["buffers"]  # whose they are only the proxy knows
    return View({**titles, "tokens": "Tokens per reader"}, names)


def _names(left: tuple[str, ...], before: Recording | None, earlier: str) -> dict[str, str]:
    names = {name: CURVES[name].name for name in (*left, *_OF_BOTH) if name not in EARLIER}
    if before:
        server = shorten(before.setup["server"], 15)
        names |= {name: f"{earlier} {server}" for name in left if name in EARLIER}
    return names
