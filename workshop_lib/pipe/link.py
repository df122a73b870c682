"""A slow link between the server and its readers, as the experiment sees it."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import NamedTuple, Self

from workshop_lib.pipe.child import Child, Message

ANSWER_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Throttle:
    """How slow a link is: `bytes_per_s` for each reader, `round_trip_s` there and back."""

    bytes_per_s: float
    round_trip_s: float

    def __post_init__(self) -> None:
        if self.bytes_per_s <= 0 or self.round_trip_s < 0:
            raise ValueError(
                f"No link carries {self.bytes_per_s:g} bytes a second with a round trip of "
                f"{self.round_trip_s:g} s. Give more than 0 bytes, and 0 seconds or more."
            )

    def times(self, time_lapse: float) -> "Throttle":
        """Return the same link in a time-lapse."""
        return Throttle(self.bytes_per_s * time_lapse, self.round_trip_s / time_lapse)


# Chrome's DevTools: 400 kbit/s down, 2,000 ms; the preset is called "3G" since version 99.
SLOW_3G = Throttle(50_000, 2.0)


class Wire(NamedTuple):
    """One reader's connection: its port on the server's side, and the bytes under way in it."""

    port: int
    held_bytes: int


class Link:
    """Carry connections to the server at `to_port` no faster than `throttle`, each on its own.

    A process of its own. It never holds more of a connection than fits on such a link; `sndbuf`
    and `rcvbuf` are its sockets' towards the reader and the server (bytes, 0: the kernel's choice).
    Raises RuntimeError when the process does not start.
    """

    def __init__(self, to_port: int, throttle: Throttle, *, sndbuf: int = 0, rcvbuf: int = 0):
        self._news = threading.Condition()
        self._wires: Mapping[int, Wire] = {}
        self._obeyed = self._commands = 0
        config = {"to_port": to_port, "sndbuf": sndbuf, "rcvbuf": rcvbuf, **asdict(throttle)}
        self._child = Child("workshop_lib.pipe.link_process", config, self._on_report)
        self.port: int = self._child.ready["port"]

    def wires(self) -> Mapping[int, Wire]:
        """Return every open connection, by its reader's port, as of the last report."""
        with self._news:
            return self._wires

    def freeze(self) -> None:
        """Carry nothing more; when this returns, the last report says where every byte is."""
        self._commands += 1
        self._child.send({"freeze": self._commands})
        with self._news:
            if not self._news.wait_for(lambda: self._obeyed >= self._commands, ANSWER_TIMEOUT_S):
                raise RuntimeError("The slow link does not answer. Run the experiment again.")

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
        with self._news:
            self._wires = {port: Wire(*wire) for port, *wire in message["wires"]}
            self._obeyed = message["obeyed"]
            self._news.notify_all()
