"""A page that opens eight streams at once, over HTTP/1.1 and over HTTP/2, and what it reports."""

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workshop_lib.pipe.child import Child, Message

HTTP1, HTTP2 = "http/1.1", "h2"  # as browsers name them (ALPN, RFC 7301)
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Timeline:
    """When each stream was asked for, began and ended, in ms since the page was opened."""

    protocol: str
    asked_ms: list[float]
    begun_ms: list[float]
    ended_ms: list[float]
    where: str = ""

    @property
    def at_once(self) -> int:
        """How many streams had begun before the first of them was half over."""
        half_ms = (min(self.begun_ms) + min(self.ended_ms)) / 2
        return sum(begun < half_ms for begun in self.begun_ms)

    def save(self, path: Path | str) -> None:
        """Write it as JSON."""
        Path(path).write_text(json.dumps(asdict(self)) + "\n")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote."""
        return cls(**json.loads(Path(path).read_text()))


class EightStreams:
    """Serve the page and its streams, of `tokens` tokens each, in a process of its own.

    At `url` it is served over HTTP/1.1; when it has reported it goes on to HTTP/2 by itself.
    """

    def __init__(self, tokens: int = 20) -> None:
        self._news = threading.Condition()
        self._reports: dict[str, Timeline] = {}
        config = {"tokens": tokens}
        self._child = Child("workshop_lib.pipe.eight_streams.serve", config, self._on_report)
        self.url: str = self._child.ready["url"]

    def reports(self) -> dict[str, Timeline]:
        """Return what the page has reported so far, by protocol."""
        with self._news:
            return dict(self._reports)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.stop()

    def _on_report(self, message: Message) -> None:
        reported: dict[str, Any] = message["timeline"]
        with self._news:
            self._reports[reported["protocol"]] = Timeline(**reported)
