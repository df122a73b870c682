"""What an experiment leaves behind: its set-up and its samples, as JSON that can be replayed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from workshop_lib.meter.ledger import StreamLedger

VERSION = 1
# With fewer no judge can tell what grows from what came in lumps.
FEWEST_SAMPLES = 12


@dataclass(frozen=True)
class Gauges:
    """The tokens of a group of readers at one moment, station by station, summed.

    Bytes are those on the wire; None where the platform or the server cannot be looked into.
    `left` readers have gone, and `wasted_tokens` were produced for them that they never got.
    `llm_bytes` lie before the server; `given_bytes` are all that it has given to its readers'
    connections.
    """

    readers: int
    open: int
    produced_tokens: int
    llm_tokens: int | None
    queued_tokens: int | None
    queued_bytes: int | None
    write_buffer_bytes: int | None
    kernel_bytes: int | None
    downstream_tokens: int | None
    received_tokens: int
    received_bytes: int
    left: int = 0
    wasted_tokens: int = 0
    link_bytes: int = 0
    llm_bytes: int | None = None
    given_bytes: int | None = None

    @classmethod
    def of(cls, streams: Sequence[StreamLedger]) -> Self:
        """Sum a group's streams."""
        sums = [
            _sum(getattr(stream, gauge.name) for stream in streams) for gauge in fields(cls)[1:]
        ]
        return cls(len(streams), *sums)  # type: ignore[arg-type]

    def __add__(self, other: "Gauges") -> "Gauges":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Gauges(*(_sum(pair) for pair in pairs))  # type: ignore[arg-type]

    @property
    def hoarded_bytes(self) -> int | None:
        """Bytes that wait inside the server: in its own queues and in its write buffers.

        Counted as on the wire. Keeping them costs more: a queued chunk of the SDK takes kilobytes.
        """
        return _sum((self.queued_bytes, self.write_buffer_bytes))

    @property
    def buffered_tokens(self) -> int:
        """Tokens in the server's write buffers: their share of all that are on their way down."""
        return self.share_tokens(self.write_buffer_bytes or 0)

    def share_tokens(self, wire_bytes: int) -> int:
        """Return how many of the tokens on their way down so many bytes of theirs stand for."""
        on_their_way = (self.write_buffer_bytes or 0) + (self.kernel_bytes or 0) + self.link_bytes
        return round((self.downstream_tokens or 0) * wire_bytes / max(1, on_their_way))

    @property
    def in_flight_tokens(self) -> int:
        """Tokens that the LLM has produced and no reader has got."""
        return self.produced_tokens - self.received_tokens


@dataclass(frozen=True)
class Sample:
    """One moment: seconds since the start, a group of gauges per habit, memory above baseline."""

    t_s: float
    habits: dict[str, Gauges]
    rss_bytes: int | None = None

    def group(self, habits: Iterable[str] | None = None) -> Gauges:
        """Sum the gauges of some habits; of all of them if none is named."""
        chosen = self.habits if habits is None else [h for h in habits if h in self.habits]
        total = NO_READERS
        for habit in chosen:
            total += self.habits[habit]
        return total


@dataclass
class Recording:
    """A run: what was set up, what was sampled, where each stream's tokens were at the end.

    `setup` holds the figures that a caption states. `errors` are the server's own, `complaints`
    those of its readers; `printed` is what a server that is a command of its own had to say.
    """

    setup: dict[str, Any]
    samples: list[Sample] = field(default_factory=list[Sample])
    streams: list[StreamLedger] = field(default_factory=list[StreamLedger])
    errors: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])
    sampler: dict[str, float] = field(default_factory=dict[str, float])
    printed: str = ""

    @property
    def longest_gap_s(self) -> float:
        """The longest time between two samples: much more than a beat on a machine that is busy."""
        return max((b.t_s - a.t_s for a, b in pairwise(self.samples)), default=0.0)

    def until(self, t_s: float) -> "Recording":
        """Return the run as it stood at a moment, for a replay."""
        samples = [sample for sample in self.samples if sample.t_s <= t_s]
        return Recording(self.setup, samples, [], self.errors)

    def save(self, path: Path | str) -> None:
        """Write the run as JSON."""
        Path(path).write_text(json.dumps({"version": VERSION, **asdict(self)}) + "\n")

    @classmethod
    def load(cls, path: Path | str) -> "Recording":
        """Read a run. Raises ValueError, with what to do, for a file that is not a recording."""
        try:
            kept = json.loads(Path(path).read_text())
            if kept.pop("version") != VERSION:
                raise KeyError("version")
            kept["samples"] = [
                Sample(s["t_s"], {h: Gauges(**g) for h, g in s["habits"].items()}, s["rss_bytes"])
                for s in kept["samples"]
            ]
            kept["streams"] = [StreamLedger(**stream) for stream in kept["streams"]]
            return cls(**kept)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ValueError(
                f"{path} is not a recording of version {VERSION}. "
                "Make it again: run the experiment and save() what it returns."
            ) from None


def _sum(values: Iterable[int | None]) -> int | None:
    """Add up; one station in the dark leaves the sum in the dark."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


NO_READERS = Gauges(*[0] * len(fields(Gauges)))
