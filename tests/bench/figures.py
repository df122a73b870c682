"""From runs to figures: what a peer's row says, what was aimed at, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import linear_regression
from typing import Any

Row = dict[str, Any]
Rows = dict[str, Row]


def slope_bytes(stalls: list[Row], gauge: str) -> float | None:
    """Return what one more stalled reader takes, by least squares; None without the gauge.

    What a first reader costs once, such as a module that is loaded late, is not in the slope.
    """
    points = [(stall["readers"], stall[gauge]) for stall in stalls]
    if len(points) < 2 or any(size is None for _, size in points):
        return None
    return linear_regression(*zip(*points, strict=True)).slope


def summed_up(stalls: list[Row]) -> Row:
    """Return a row's figures of the runs with stalled readers."""
    if not stalls:
        return {}
    last = stalls[-1]
    return {
        "rss_bytes_per_reader": slope_bytes(stalls, "rss_bytes"),
        "uss_bytes_per_reader": slope_bytes(stalls, "uss_bytes"),
        "in_server_bytes_per_reader": slope_bytes(stalls, "in_server_bytes"),
        "rss_grown_bytes_per_reader": last["rss_grown_while_stalled_bytes"] / last["readers"],
        "tokens_while_stalled": sum(stall["tokens_while_stalled"] for stall in stalls),
        "held_back": all(stall["held_back"] for stall in stalls),
    }


@dataclass(frozen=True)
class Aim:
    """What was aimed at: `figure` of the rows is to be at most, or at least, `bound`.

    `why_missed` is what a profile showed of the cause.
    """

    text: str
    bound: float
    at_most: bool
    unit: str
    figure: Callable[[Rows], float]
    why_missed: str = ""

    def judged(self, rows: Rows) -> Row:
        """Return the aim with its figure, met or missed, and by how much."""
        try:
            found = self.figure(rows)
        except (KeyError, TypeError, ZeroDivisionError):
            return {"aim": self.text, "met": None, "said": "not measured: see the rows above"}
        met = found <= self.bound if self.at_most else found >= self.bound
        off = abs(found - self.bound)
        share = f"{off / self.bound:.0%}" if self.bound else f"{off:,.3g}"
        side = "below" if found < self.bound else "above"
        said = f"{found:,.3g} {self.unit}" + (f", {share} {side} {self.bound:g}" if off else "")
        why = "" if met else self.why_missed
        judged = {"aim": self.text, "met": met, "figure": found, "bound": self.bound}
        return judged | {"said": said, "why": why}


def per_cpu_s(rows: Rows, name: str) -> float:
    return rows[name]["flood"]["events_per_cpu_s"]


def _stalled_kb(name: str) -> Callable[[Rows], float]:
    return lambda rows: rows[name]["stalled"]["rss_bytes_per_reader"] / 1000


WHY_STEP3 = (
    "drain() waits only when 64 KiB lie in the transport, and the SDK's HTTP client has read up to "
    "as much ahead, and more in the event loop's hands: 'step3, tight' is without both"
)
WHY_TIGHT = (
    "of what tracemalloc sees of a reader, two thirds are the objects of two HTTP stacks and of "
    "the SDK's stream, and a third is the client's buffer for reading"
)
WHY_RATIO = (
    "both spend nearly all of it in the SDK, and step3 gives everybody a turn after each event, "
    "which step2 does not"
)
WHY_EXPRESS = (
    "V8 parses JSON and cuts lines faster, which counts where many events come in one read; "
    "reads of 16 KiB in place of 4 would bring a fifth more, and hold "
    "26 kB more for a stalled reader"
)

AIMS = [
    Aim("step3: RSS of a stalled reader", 50, True, "kB", _stalled_kb("step3"), WHY_STEP3),
    Aim(
        "step3, tight: RSS of a stalled reader",
        50, True, "kB", _stalled_kb("step3, tight"), WHY_TIGHT,
    ),
    Aim("lean relay: RSS of a stalled reader", 50, True, "kB", _stalled_kb("lean relay")),
    Aim(
        "step3: what RSS grew by for each reader while all stood still",
        1, True, "kB", lambda rows: rows["step3"]["stalled"]["rss_grown_bytes_per_reader"] / 1000,
    ),
    Aim(
        "step3's events per CPU second over Starlette's",
        1.2, False, "times", lambda rows: per_cpu_s(rows, "step3") / per_cpu_s(rows, "starlette"),
        WHY_RATIO,
    ),
    Aim(
        "Starlette's loop lag (p99, LLM without a limit) over step3's",
        50, False, "times",
        lambda rows: rows["starlette"]["flood"]["lag_ms_p99"]
        / rows["step3"]["flood"]["lag_ms_p99"],
    ),
    Aim(
        "lean relay's events per CPU second over Express's, LLM without a limit",
        0.9, False, "times",
        lambda rows: per_cpu_s(rows, "lean relay") / per_cpu_s(rows, "Express"),
        WHY_EXPRESS,
    ),
    Aim(
        "lean relay's events per CPU second over Express's, one event a read",
        0.9, False, "times",
        lambda rows: rows["lean relay"]["rate"]["events_per_cpu_s"]
        / rows["Express"]["rate"]["events_per_cpu_s"],
    ),
]  # fmt: skip


def sdk_share(rows: Rows, load: str) -> str | None:
    """Say what the SDK's objects cost: step3 against the lean relay, which does all but them."""
    try:
        with_sdk, without = (
            1e6 / rows[n][load]["events_per_cpu_s"] for n in ("step3", "lean relay")
        )
    except (KeyError, TypeError, ZeroDivisionError):
        return None
    return (
        f"step3 takes {with_sdk:.0f} us of CPU an event and the lean relay {without:.0f} us: the "
        f"openai SDK and its HTTP client are {1 - without / with_sdk:.0%} of it"
    )
