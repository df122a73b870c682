"""One cell of the fault matrix: a fault at a moment, a server, and what came of it, in counters."""

import asyncio
import gc
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from servers.common import Handler, make_app
from tests.mechanism import SAFETY_S, connections, until
from workshop_lib.pipe.crowd.answer import Answer, NoAnswer
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow
from workshop_lib.pipe.server import Server, ServerThread
from workshop_lib.pipe.sockets import SMALL, connecting_socket
from workshop_lib.pipe.upstream import openai_client

GATHER = {"step0_buffered"}
HAVE_DEADLINES = {"step4_production", "step5_metered", "step6_resumable"}
READERS_FAULTS = ("stalls", "freezes", "leaves", "resets")
LLMS_FAULTS = {
    "429": "rate_limit",
    "500": "server_error",
    "error event": "error_event",
    "cut": "cut",
    "garbage": "garbage",
    "silence": "silence",
}
MOMENTS = ("before", "midway", "waiting", "end")

TOKENS = 20
LONG = {"answer_tokens": 120, "token_bytes": 1000}  # more than all sockets on the way take
ENDLESS = {"answer_tokens": 100_000, "tokens_per_s": 100}
HEALTHY = {
    "tokens_per_s": 0, "answer_tokens": TOKENS, "token_bytes": 5, "first_token_s": 0,
    "fault": "", "fault_at": 0,
}  # fmt: skip
MIDWAY = 7
BEYOND_THE_READERS_SOCKETS = 25
# The deadlines are short where one must end a cell, and as in production where none may.
# What step6 keeps is less than a long answer, and is not waited for.
RESUMABLE = {"RESUME_S": "0.3", "REPLAY_BYTES": "20000"}
SHORT = {"STALL_S": "0.5", "STREAM_S": "2", "HEARTBEAT_S": "0.1"} | RESUMABLE
USUAL = {"HEARTBEAT_S": "0.1"} | RESUMABLE
DUE = {"429": "429", "500": "502", "error event": "error", "cut": "error", "garbage": "error"}
STILL_S = 0.3


@dataclass(frozen=True)
class Outcome:
    """What a cell's counters said; `freed_s` is how long the last thing left behind lasted."""

    learned: str
    due: str | None
    hoards: bool
    freed: bool
    left: tuple[str, ...]
    serves_next: bool
    errors: tuple[str, ...]
    freed_s: float

    def __str__(self) -> str:
        """Say it as the table of expectations does."""
        said = {
            "hoards": self.hoards,
            f"tells {self.learned}": self.due not in (None, self.learned),
            "+".join(self.left): bool(self.left),
            "starves the next": not self.serves_next,
            f"logs {self.errors}": bool(self.errors),
        }
        usual = "freed" if self.freed else "clean"
        return ", ".join(words for words, is_so in said.items() if is_so) or usual


class Reader:
    """A reader on a raw socket, that reads and leaves exactly when it is told."""

    def __init__(self, server: Server) -> None:
        self.answer = Answer(Call.to(f"{server.url}/chat", "POST", {}, _BODY), "reader 0", "[DONE]")
        self._cut = False
        self._sock = connecting_socket(SMALL.reader_rcvbuf)
        self._sock.settimeout(SAFETY_S)
        self._sock.connect(("127.0.0.1", server.port))
        self.port: int = self._sock.getsockname()[1]
        self._sock.sendall(self.answer.request)
        self._sock.setblocking(False)

    @property
    def over(self) -> bool:
        return self.answer.ended or self._cut

    @property
    def learned(self) -> str:
        """What the reader knows of its answer."""
        body = self.answer.body
        if self.answer.status not in (None, 200):
            return str(self.answer.status)
        if body.error:
            return "error"
        if body.complete and body.order.violation is None:
            return "complete"
        return "cut" if self.over else "nothing"

    def read(self) -> bool:
        """Take what is there; tell whether the answer is over."""
        with suppress(BlockingIOError, TimeoutError):
            while not self.over:
                try:
                    self.answer.feed(self._sock.recv(65536))
                except (NoAnswer, ConnectionError):
                    self._cut = True
        return self.over

    def read_to_the_end(self) -> None:
        """Wait for what is still to come."""
        self._sock.settimeout(SAFETY_S)
        self.read()
        self._sock.setblocking(False)

    def half_close(self) -> None:
        """Say that nothing more will be sent, and keep the socket."""
        self._sock.shutdown(socket.SHUT_WR)

    def leave(self, reset: bool = False) -> None:
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._sock.close()


_BODY = '{"prompt": "{prompt}"}'


class Served:
    """A step on its own server, with what it holds in view and the garbage collector held off."""

    long = LONG

    def __init__(
        self, name: str, chat: Handler, llm: FakeLLM, env: Mapping[str, str] | None = None
    ) -> None:
        self.name, self._chat, self.llm, self.env = name, chat, llm, env or {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.server = ServerThread(
            self._app, env={**llm.env, **self.env}, sndbuf=SMALL.server_sndbuf, high_water_bytes=0
        )
        gc.collect()
        gc.disable()  # it would close forgotten streams: some day, and from whichever thread
        self.server.start()
        self.serves_whole()  # the first one makes what stays: a pooled connection to the LLM
        until(lambda: not self._sockets())
        self._threads = set(threading.enumerate())
        self._tasks = self._running()

    def close(self) -> None:
        """Stop the server, and with it whatever stayed there."""
        try:
            self.server.stop()
        finally:
            gc.enable()

    def _app(self) -> web.Application:
        self._loop = asyncio.get_running_loop()
        client = openai_client(SMALL.server_rcvbuf)
        # trying again is the SDK's business, and takes seconds
        return make_app(self._chat, lambda: client.with_options(max_retries=0))

    def left_behind(self) -> tuple[str, ...]:
        """Name what is there and was not before the first reader."""
        held = {
            "stream": self.llm.totals().open > 0,
            "task": self.more_tasks() > 0,
            "socket": self._sockets() > 0,
            "thread": not set(threading.enumerate()) <= self._threads,
        }
        return tuple(what for what, is_left in held.items() if is_left)

    def more_tasks(self) -> int:
        """Count the tasks of the server's loop beyond those before the first reader."""
        return len(self._running() - self._tasks)

    def serves_whole(self) -> bool:
        """Tell whether a polite reader gets a whole answer."""
        self.llm.set(**HEALTHY)
        reader = Reader(self.server)
        reader.read_to_the_end()
        reader.leave()
        return reader.learned == "complete" and reader.answer.body.order.tokens == TOKENS

    def _running(self) -> set[asyncio.Task[Any]]:
        assert self._loop
        return asyncio.all_tasks(self._loop)

    def _sockets(self) -> int:
        """Count the server's connections to readers."""
        return len(connections(self.server.port))


def ends_it(step: str, fault: str) -> bool:
    """Tell whether a server ends this fault itself, with the reader still there."""
    return step in HAVE_DEADLINES and fault in ("stalls", "silence")


def knobs_of(fault: str, moment: str, long: dict[str, int] = LONG) -> dict[str, Any]:
    """Choose an answer during which this fault can happen at this moment."""
    if fault in LLMS_FAULTS:
        at = {"before": 0, "midway": MIDWAY, "waiting": BEYOND_THE_READERS_SOCKETS, "end": TOKENS}
        answer = long if moment == "waiting" else {}
        return {**HEALTHY, **answer, "fault": LLMS_FAULTS[fault], "fault_at": at[moment]}
    if moment == "waiting":
        return {**HEALTHY, **long}
    if fault in ("stalls", "freezes"):
        answer = {"before": long | {"first_token_s": 0.2}, "midway": long, "end": {}}[moment]
        return {**HEALTHY, **answer}
    if moment == "midway":
        return {**HEALTHY, **ENDLESS}
    # a silent LLM: no write fails, so nothing else tells the server that its reader has left
    return {**HEALTHY, "fault": "silence", "fault_at": 0 if moment == "before" else TOKENS}


class Cell:
    """Runs one fault at one moment."""

    def __init__(self, served: Served, fault: str, moment: str) -> None:
        self._served, self._fault, self._moment = served, fault, moment
        self._first_id = served.llm.totals().streams
        self._hoards = self._freed = False
        self._due = DUE.get(fault)

    def run(self, patience_s: float) -> Outcome:
        """Let it happen, let the reader leave, and look what is left after `patience_s`."""
        self._served.llm.set(**knobs_of(self._fault, self._moment, self._served.long))
        reader = Reader(self._served.server)
        if self._fault in LLMS_FAULTS:
            self._llm_fails(reader)
        else:
            self.reach(reader)
            self._reader_fails(reader)
        if ends_it(self._served.name, self._fault) and not self._is_served():
            self._server_ends_it(reader, patience_s)
        reader.leave(reset=self._fault == "resets")
        left, freed_s = self._wait_until_clean(patience_s)
        serves_next, errors = self._served.serves_whole(), tuple(self._served.server.errors)
        return Outcome(
            reader.learned,
            self._due,
            self._hoards,
            self._freed,
            left,
            serves_next,
            errors,
            freed_s,
        )

    def reach(self, reader: Reader) -> None:
        """Bring reader and LLM to the moment at which the reader fails."""
        if self._moment == "waiting":
            until(lambda: self._is_held_back(reader))
        elif self._moment != "before":
            self._read_as_far_as(reader, 3 if self._moment == "midway" else TOKENS)
        elif self._fault in ("leaves", "resets"):
            self._read_as_far_as(reader, 0)

    def _is_held_back(self, reader: Reader) -> bool:
        """Tell whether its write buffer stands: for a moment the kernel lets anybody wait."""
        if self._served.server.write_buffers() is None:  # a process shows none
            self._until_the_llm_stands_still()
            return True
        before = (self._served.server.write_buffers() or {}).get(reader.port)
        time.sleep(0.1)
        return (
            bool(before) and (self._served.server.write_buffers() or {}).get(reader.port) == before
        )

    def _reader_fails(self, reader: Reader) -> None:
        if self._fault in ("leaves", "resets"):
            return
        self._until_the_llm_stands_still()
        whole = self._stream().ended_by == "answer complete"
        self._hoards = whole and self._moment != "end"
        if self._fault == "freezes":
            self._due = "complete"
            reader.read_to_the_end()

    def _llm_fails(self, reader: Reader) -> None:
        if self._moment == "waiting":
            at = BEYOND_THE_READERS_SOCKETS
            until(lambda: self._stream().ended_s or self._stream().tokens >= at)
        if self._fault != "silence":
            reader.read_to_the_end()
        elif self._moment != "waiting":
            self._read_as_far_as(reader, knobs_of(self._fault, self._moment)["fault_at"])

    def _is_served(self) -> bool:
        """Tell whether there is nothing to end: a reader that stalls has the whole answer."""
        return self._fault == "stalls" and self._moment == "end"

    def _server_ends_it(self, reader: Reader, patience_s: float) -> None:
        """See whether the server frees what this reader costs while it stays."""
        if self._fault == "stalls" or self._moment == "waiting":
            self._freed = not self._wait_until_clean(patience_s)[0]
            return
        self._due = "error"  # it reads, so it can be told; its connection may serve it again
        with suppress(AssertionError):
            until(lambda: reader.read() and not self._served.llm.totals().open, patience_s)
            self._freed = True

    def _read_as_far_as(self, reader: Reader, tokens: int) -> None:
        """Wait until the LLM has produced so many, and the reader has head and tokens if any."""
        gathers = self._served.name in GATHER
        shown = 0 if gathers else tokens

        def headed() -> bool:
            return gathers or reader.answer.status is not None

        def there() -> bool:
            if reader.read():
                return True
            stream = self._stream()
            begun = stream.bytes > stream.header_bytes > 0 and headed()
            return begun and stream.tokens >= tokens and reader.answer.body.order.tokens >= shown

        until(there)

    def _until_the_llm_stands_still(self) -> None:
        until(lambda: self._stream().tokens)

        def stands() -> bool:
            before = self._stream().tokens
            time.sleep(STILL_S)
            return self._stream().tokens == before

        until(stands)

    def _stream(self) -> StreamRow:
        ledger: Callable[[], Any] = lambda: self._served.llm.ledger(since=self._first_id)  # noqa: E731
        return until(ledger)[0]

    def _wait_until_clean(self, patience_s: float) -> tuple[tuple[str, ...], float]:
        begun_s = time.monotonic()
        while left := self._served.left_behind():
            if time.monotonic() - begun_s > patience_s:
                break
            time.sleep(0.03)
        return left, time.monotonic() - begun_s
