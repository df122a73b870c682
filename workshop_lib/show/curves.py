"""What a chart draws: a recording's samples as curves, taken over as they come in."""

from typing import Literal, NamedTuple

from workshop_lib.meter.recording import Gauges, Recording, Sample
from workshop_lib.show.words import shown_habits
from workshop_lib.verdict import HEALTHY


class Curve(NamedTuple):
    """How one curve looks.

    `axis` is `held` (bytes), `memory` (bytes), `wasted` (tokens) or `tokens` (per reader).
    """

    name: str
    axis: str
    color: str
    width: float = 2.0
    dashes: Literal["-", "--", ":"] = "-"


# Okabe and Ito's palette, told apart by people who see fewer colours; width and dashes help too.
# In the order of the key; drawn the other way round, so that the first lies on top.
CURVES = {
    "hoarded": Curve("held by the server", "held", "#D55E00", 2.8),
    "buffers": Curve("of it in write buffers", "held", "#000000", 1.6, ":"),
    "kernel": Curve("in the kernel's queues", "held", "#8C8C8C", 2.0),
    "link": Curve("on the slow link", "held", "#56B4E9", 2.0),
    "memory": Curve("memory (right axis)", "memory", "#CC79A7", 1.0),
    "before": Curve("", "held", "#EBA36B", 2.0, "--"),
    "wasted": Curve("produced for nobody", "wasted", "#D55E00", 2.8),
    "wasted_before": Curve("", "wasted", "#EBA36B", 2.0, "--"),
    "produced": Curve("LLM produced", "tokens", "#0072B2", 2.4),
    "received": Curve("slow readers received", "tokens", "#009E73", 2.0, "--"),
    "healthy": Curve("healthy readers received", "tokens", "#E69F00", 5.0),
}

# A curve of an earlier run, and which of its curves it is.
EARLIER = {"before": "hoarded", "wasted_before": "wasted"}

Points = dict[str, list[float]]


class Curves:
    """Points by curve, `t_s` among them; NaN where a gauge could not be read."""

    def __init__(self) -> None:
        self.points: Points = {name: [] for name in ("t_s", *CURVES) if name not in EARLIER}

    def extend(self, recording: Recording) -> None:
        """Take over the samples that have come in since the last time."""
        habits = shown_habits(recording.setup)
        for sample in recording.samples[len(self.points["t_s"]) :]:
            for name, value in _values(sample, habits).items():
                self.points[name].append(float("nan") if value is None else value)

    def last(self, name: str) -> float | None:
        """Return a curve's newest value; None if there is none, or it could not be read."""
        values = self.points[name]
        return values[-1] if values and values[-1] == values[-1] else None


def _values(sample: Sample, habits: list[str]) -> dict[str, float | None]:
    slow = sample.group(habits)
    healthy = None if HEALTHY in habits else sample.habits.get(HEALTHY)
    return {
        "t_s": sample.t_s,
        "hoarded": slow.hoarded_bytes,
        "buffers": slow.write_buffer_bytes,
        "kernel": slow.kernel_bytes,
        "link": slow.link_bytes,
        "memory": sample.rss_bytes,
        "wasted": sample.group().wasted_tokens,
        "produced": _each(slow, slow.produced_tokens),
        "received": _each(slow, slow.received_tokens),
        "healthy": _each(healthy, healthy.received_tokens) if healthy else None,
    }


def _each(gauges: Gauges, tokens: int) -> float | None:
    return tokens / gauges.readers if gauges.readers else None
