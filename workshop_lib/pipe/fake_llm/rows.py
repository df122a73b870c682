"""The fake LLM's ledger, as those who ask for it see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StreamRow:
    """One answer; times in seconds since the fake LLM started.

    `tokens` and `bytes` were handed to the connection's transport, `bytes` with headers
    (`header_bytes`) and chunk framing; `buffered_bytes` still lie in that transport;
    `accepted_bytes` were taken by the kernel (once the reader left: at least as many).
    `ended_by`: answer complete, client left, "fault: ..." or None while it is open.
    """

    id: int
    prompt: str
    model: str
    peer_port: int
    tokens: int
    bytes: int
    header_bytes: int
    buffered_bytes: int
    accepted_bytes: int
    started_s: float
    last_progress_s: float | None
    ended_s: float | None
    ended_by: str | None
    finish: str | None


@dataclass(frozen=True)
class Totals:
    """Sums over all streams there ever were; `open` of `streams` have not ended."""

    streams: int = 0
    open: int = 0
    tokens: int = 0
    bytes: int = 0
    buffered_bytes: int = 0
    accepted_bytes: int = 0


@dataclass(frozen=True)
class Ledger:
    """The fake LLM's books at one moment, `now_s` seconds after it started."""

    streams: tuple[StreamRow, ...]
    totals: Totals
    now_s: float
    frozen: bool

    @classmethod
    def from_json(cls, report: dict[str, Any]) -> "Ledger":
        """Read what GET /ledger answered."""
        streams = tuple(StreamRow(**row) for row in report.get("streams", ()))
        return cls(streams, Totals(**report["totals"]), report["now_s"], report["frozen"])

    def __iter__(self) -> Iterator[StreamRow]:
        return iter(self.streams)

    def __len__(self) -> int:
        return len(self.streams)

    def __getitem__(self, index: int) -> StreamRow:
        return self.streams[index]
