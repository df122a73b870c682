"""The fake LLM's book: what happened to each stream, kept while it happens."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from workshop_lib.pipe.fake_llm.rows import StreamRow, Totals

KEPT_ENDED_STREAMS = 10_000
_process_start_s = time.monotonic()


def now_s() -> float:
    """Return the seconds since this process started."""
    return time.monotonic() - _process_start_s


class Stream:
    """One answer and its connection: the live form of a StreamRow."""

    def __init__(self, number: int, model: str, prompt: str, request: web.Request) -> None:
        self.number, self.model, self.prompt = number, model, prompt
        self.transport = request.transport
        peer = self.transport.get_extra_info("peername") if self.transport else None
        self.peer_port: int = peer[1] if peer else 0
        self.writer: AbstractStreamWriter | None = None
        self.tokens = self.header_bytes = self.drained_bytes = self._ended_bytes = 0
        self.started_s = now_s()
        self.last_progress_s: float | None = None
        self.ended_s: float | None = None
        self.ended_by: str | None = None
        self.finish: str | None = None

    def end(self, ended_by: str) -> None:
        """Close the entry and let go of the connection, which may serve another request."""
        self._ended_bytes = self.writer.output_size if self.writer else 0
        self.writer = self.transport = None
        self.ended_s, self.ended_by = now_s(), ended_by

    def bytes_now(self) -> tuple[int, int]:
        """Return the bytes handed to the transport, and those of them that still lie there."""
        if self.writer is None or self.transport is None:
            return self._ended_bytes, 0
        return self.writer.output_size, self.transport.get_write_buffer_size()

    def row(self) -> StreamRow:
        """Take the stream's counters at this moment."""
        handed, buffered = self.bytes_now()
        ended = self.ended_s is not None
        return StreamRow(
            id=self.number,
            prompt=self.prompt,
            model=self.model,
            peer_port=self.peer_port,
            tokens=self.tokens,
            bytes=handed,
            header_bytes=self.header_bytes,
            buffered_bytes=buffered,
            # the transport of a reader that left forgets what it held: the last sure figure
            accepted_bytes=self.drained_bytes if ended else handed - buffered,
            started_s=self.started_s,
            last_progress_s=self.last_progress_s,
            ended_s=self.ended_s,
            ended_by=self.ended_by,
            finish=self.finish,
        )


class Book:
    """All streams: the open ones, the newest ended ones, and sums over every one there was."""

    def __init__(self) -> None:
        self._open: dict[int, Stream] = {}
        self._ended: deque[Stream] = deque(maxlen=KEPT_ENDED_STREAMS)
        self._past = Totals()
        self.next_number = 0

    def open(self, model: str, prompt: str, request: web.Request) -> Stream:
        """Begin the entry of one stream."""
        stream = Stream(self.next_number, model, prompt, request)
        self._open[stream.number] = stream
        self.next_number += 1
        return stream

    def close(self, stream: Stream, ended_by: str) -> None:
        """End the entry of one stream; said again, it changes nothing."""
        if self._open.pop(stream.number, None):
            stream.end(ended_by)
            row = stream.row()
            self._past = replace(
                self._past,
                tokens=self._past.tokens + row.tokens,
                bytes=self._past.bytes + row.bytes,
                accepted_bytes=self._past.accepted_bytes + row.accepted_bytes,
            )
            self._ended.append(stream)

    def rows(self, since: int = 0) -> Iterator[StreamRow]:
        """Yield the streams with a number of `since` or more, in the order they started."""
        numbered = {stream.number: stream for stream in (*self._ended, *self._open.values())}
        for number in sorted(numbered):
            if number >= since:
                yield numbered[number].row()

    def totals(self) -> Totals:
        """Sum over all streams there were, those no longer kept too."""
        streams = self._open.values()
        sizes = [stream.bytes_now() for stream in streams]
        buffered = sum(buffered for _, buffered in sizes)
        handed = sum(handed for handed, _ in sizes)
        past = self._past
        return Totals(
            streams=self.next_number,
            open=len(streams),
            tokens=past.tokens + sum(stream.tokens for stream in streams),
            bytes=past.bytes + handed,
            buffered_bytes=buffered,
            accepted_bytes=past.accepted_bytes + handed - buffered,
        )

    def report(self, since: int = 0, totals_only: bool = False) -> dict[str, Any]:
        """Return the ledger as GET /ledger sends it."""
        report: dict[str, Any] = {"now_s": now_s(), "totals": asdict(self.totals())}
        if not totals_only:
            report["streams"] = [vars(row) for row in self.rows(since)]
        return report
