"""Where every token of every stream is, from the LLM to its reader.

The server carries no instrument. The fake LLM knows what it produced, the readers know what they
got, the runner sees its transports and the kernel its queues. What is in none of these places is
in the server: in its own queues.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from workshop_lib.meter.kernel import Ends, Queues
from workshop_lib.pipe.crowd import ReaderRow
from workshop_lib.pipe.fake_llm import StreamRow
from workshop_lib.pipe.link import Wire
from workshop_lib.pipe.tokens import mean_token_bytes

_NOTHING = Queues(0, 0)
_READER = re.compile(r"reader (\d+)\s*\Z")
# `data: {"token": ""}`, a blank line and a chunk's frame: until a reader's bytes say better
_USUAL_FRAME_BYTES = 27
_SWITCHED = 101  # the status of a WebSocket's handshake
_USUAL_MESSAGE_BYTES = 15  # `{"token": ""}` and its header


@dataclass(frozen=True)
class StreamLedger:
    """One reader's tokens at one moment, station by station; None where a station is in the dark.

    Bytes are those on the wire; `queued_bytes` are what the queued tokens would take there.
    `queued_tokens` is the rest: produced, and in no other place. `given_bytes` are those that the
    server has given to the reader's connection. `left`: the reader has gone, or wants no more, and
    `after_leaving_tokens` were produced since that was first seen. `first_token_s` is how long the
    reader had waited when its first token came.
    """

    reader: int
    habit: str
    produced_tokens: int
    llm_bytes: int | None
    llm_tokens: int | None
    queued_tokens: int | None
    queued_bytes: int | None
    write_buffer_bytes: int | None
    kernel_bytes: int | None
    downstream_tokens: int | None
    received_tokens: int
    received_bytes: int
    open: bool
    left: bool = False
    after_leaving_tokens: int = 0
    link_bytes: int = 0
    given_bytes: int | None = None
    first_token_s: float | None = None

    @property
    def wasted_tokens(self) -> int:
        """Tokens produced, and paid for, that a reader who has left never got."""
        return self.produced_tokens - self.received_tokens if self.left else 0


@dataclass(frozen=True)
class Readings:
    """What the gauges said at one moment, and at which ports the LLM and the server listen."""

    llm_port: int
    server_port: int
    streams: Sequence[StreamRow]
    readers: Sequence[ReaderRow]
    write_buffers: Mapping[int, int] | None
    kernel: Mapping[Ends, Queues] | None
    token_bytes: int = 5
    given: Mapping[int, int] | None = None
    link_port: int | None = None
    wires: Mapping[int, Wire] = field(default_factory=dict[int, Wire])


def read_ledger(readings: Readings) -> list[StreamLedger]:
    """Lay every reader's tokens out along the pipe, in the order of the readers."""
    streams = defaultdict[int | None, list[StreamRow]](list)
    for row in readings.streams:  # a reader that asks again has several
        streams[_reader_of(row.prompt)].append(row)
    frame_bytes = bytes_around_token(readings.readers, readings.token_bytes)
    return [
        _lay_out(reader, streams[reader.reader], frame_bytes, readings)
        for reader in readings.readers
    ]


def bytes_around_token(readers: Sequence[ReaderRow], token_bytes: int = 5) -> float:
    """Return what an event takes on the wire besides its token, by what readers got of it."""
    with_tokens = [row for row in readers if row.tokens]
    switched = any(row.status == _SWITCHED for row in readers)
    if not with_tokens:
        return _USUAL_MESSAGE_BYTES if switched else _USUAL_FRAME_BYTES
    least = min(with_tokens, key=lambda row: row.tokens)
    most = max(with_tokens, key=lambda row: row.tokens)
    # the last event may have come in part: two readers tell the size only if they are far apart
    if (apart := most.tokens - least.tokens) > most.tokens / 2:
        event_bytes = (most.wire_bytes - least.wire_bytes) / apart
        return event_bytes - mean_token_bytes(least.tokens, most.tokens, token_bytes)
    body_bytes = most.body_bytes / most.tokens
    chunk_frame_bytes = len(f"{round(body_bytes):x}\r\n\r\n")
    message_header_bytes = 2 if body_bytes < 126 else 4  # RFC 6455, section 5.2
    around_bytes = message_header_bytes if switched else chunk_frame_bytes
    return body_bytes + around_bytes - mean_token_bytes(0, most.tokens, token_bytes)


def _lay_out(
    reader: ReaderRow, streams: list[StreamRow], frame_bytes: float, readings: Readings
) -> StreamLedger:
    llm_bytes, llm_tokens = _before_the_server(streams, readings)
    down = _after_the_server(reader, readings)
    produced = sum(stream.tokens for stream in streams)
    event_bytes = frame_bytes + mean_token_bytes(reader.tokens, produced, readings.token_bytes)
    downstream = None
    if down.kernel is not None:
        on_their_way = (down.write_buffer or 0) + down.kernel + down.link
        downstream = round(on_their_way / event_bytes)
    queued = None
    if llm_tokens is not None and downstream is not None:
        # the gauges are not read at one instant: a running pipe can be off by what moved meanwhile
        queued = max(0, produced - llm_tokens - downstream - reader.tokens)
    return StreamLedger(
        reader=reader.reader,
        habit=reader.habit,
        produced_tokens=produced,
        llm_bytes=llm_bytes,
        llm_tokens=llm_tokens,
        queued_tokens=queued,
        queued_bytes=None if queued is None else round(queued * event_bytes),
        write_buffer_bytes=down.write_buffer,
        kernel_bytes=down.kernel,
        downstream_tokens=downstream,
        received_tokens=reader.tokens,
        received_bytes=reader.wire_bytes,
        open=any(stream.ended_s is None for stream in streams),
        left=reader.state in ("left", "stopped"),
        link_bytes=down.link,
        given_bytes=down.given,
        first_token_s=_between_moments(reader.started_s, reader.first_token_s),
    )


def _before_the_server(
    streams: list[StreamRow], readings: Readings
) -> tuple[int | None, int | None]:
    """Return the bytes and tokens that the LLM has produced and the server has not yet read."""
    total_bytes = tokens = 0
    for stream in filter(lambda stream: stream.tokens, streams):
        if readings.kernel is None:
            return None, None
        in_kernel = _between(readings.llm_port, stream.peer_port, readings.kernel)
        waiting = stream.buffered_bytes + in_kernel
        total_bytes += waiting
        tokens += round(waiting / ((stream.bytes - stream.header_bytes) / stream.tokens))
    return total_bytes, tokens


def _between_moments(began_s: float | None, ended_s: float | None) -> float | None:
    return None if began_s is None or ended_s is None else round(ended_s - began_s, 3)


class _Down(NamedTuple):
    """The bytes between the server and one reader; None where they cannot be seen."""

    write_buffer: int | None
    kernel: int | None
    link: int
    given: int | None


def _after_the_server(reader: ReaderRow, readings: Readings) -> _Down:
    """Look for a reader's bytes in the server's buffer, the kernel's queues, and on the link."""
    port, server_port = reader.local_port or 0, readings.server_port
    ends = [(server_port, port)]
    wire = readings.wires.get(port, Wire(port, 0))
    if readings.link_port is not None:
        ends = [(server_port, wire.port), (readings.link_port, port)]
    buffers, given = readings.write_buffers, readings.given
    return _Down(
        None if buffers is None else buffers.get(wire.port, 0),
        None if readings.kernel is None else sum(_between(*e, readings.kernel) for e in ends),
        wire.held_bytes,
        None if given is None else given.get(wire.port, 0),
    )


def _between(port: int, other: int, kernel: Mapping[Ends, Queues]) -> int:
    """Return the bytes sent from one port that its other end has not taken."""
    return kernel.get((port, other), _NOTHING).send + kernel.get((other, port), _NOTHING).receive


def _reader_of(prompt: str) -> int | None:
    found = _READER.search(prompt)
    return int(found[1]) if found else None
