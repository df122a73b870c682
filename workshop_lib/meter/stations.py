"""All gauges of one experiment: read while it runs, and once more on a frozen pipe."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.meter.ledger import Readings, StreamLedger, read_ledger
from workshop_lib.pipe.crowd import Crowd, ReaderRow
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.link import Link, Wire
from workshop_lib.pipe.proxy import RunningProxy
from workshop_lib.pipe.server import Server

SETTLE_TIMEOUT_S = 5.0


class Stations:
    """Reads the stations from the reader's end, so that no token is seen at two of them."""

    def __init__(
        self,
        llm: FakeLLM,
        server: Server,
        crowd: Crowd,
        token_bytes: int = 5,
        link: Link | RunningProxy | None = None,
    ) -> None:
        self._llm, self._server, self._crowd, self._link = llm, server, crowd, link
        self._token_bytes = token_bytes
        self._produced_when_left: dict[int, int] = {}

    def read(self) -> list[StreamLedger]:
        readers = self._crowd.rows()
        wires: Mapping[int, Wire] = self._link.wires() if self._link else {}
        write_buffers, given = self._server.write_buffers(), self._server.given_bytes()
        # our own servers listen on IPv4; where a command listens is its own affair
        kernel = kernel_queues(ipv6=self._server.granted is None)
        readings = Readings(
            self._llm.port,
            self._server.port,
            self._llm.ledger().streams,
            readers,
            write_buffers,
            kernel,
            self._token_bytes,
            given,
            self._link.port if self._link else None,
            wires,
        )
        return [self._since_it_left(stream) for stream in read_ledger(readings)]

    def _since_it_left(self, stream: StreamLedger) -> StreamLedger:
        """Count from the first sight of a reader that has gone: its own word for it comes late."""
        if not stream.left:
            return stream
        produced = stream.produced_tokens
        at_first = self._produced_when_left.setdefault(stream.reader, produced)
        return replace(stream, after_leaving_tokens=produced - at_first)

    def frozen(self) -> list[StreamLedger]:
        """Stop both ends, and read when the server has moved what it still can."""
        self._llm.freeze()
        self._crowd.freeze()
        if self._link:
            self._link.freeze()
        deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
        before, now = [], self.read()
        while before != now and time.monotonic() < deadline_s:
            time.sleep(0.1)
            before, now = now, self.read()
        return now


def complaints(readers: Sequence[ReaderRow]) -> list[str]:
    """Return what readers have to complain about, each complaint once, with its first reader."""
    first: dict[str, int] = {}
    for row in readers:
        for complaint in (row.error, None if row.in_order is True else row.in_order):
            if complaint:
                first.setdefault(complaint, row.reader)
    return [f"reader {reader}: {complaint}" for complaint, reader in first.items()]
