"""A reader that keeps what it gets and when, and reads only while it is told to."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

import h11

from workshop_lib.doctor.coding import UndecodableError, decoder
from workshop_lib.pipe.crowd.answer import Answer, NoAnswer
from workshop_lib.pipe.crowd.body import Body
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.line import Gate, Line
from workshop_lib.pipe.sockets import connecting_socket

KEPT_BYTES = 4 * 1024 * 1024
PIECE_BYTES = 65536

Ended = Literal["whole", "cut"]


class KeptBody(Body):
    """A body that keeps its pieces as they came; of a flood only the beginning."""

    def __init__(self, began_s: float) -> None:
        super().__init__()
        self.pieces: list[tuple[float, bytes]] = []
        self.undecoded = ""
        self.decode: Callable[[bytes], bytes] = lambda data: data
        self._began_s = began_s

    def feed(self, data: bytes) -> None:
        """Take the next piece, without its content coding."""
        try:
            data = self.decode(data)
        except UndecodableError as problem:
            self.undecoded = self.undecoded or str(problem)
        if data:
            super().feed(data)
            if self.bytes <= KEPT_BYTES:
                self.pieces.append((time.monotonic() - self._began_s, data))


class Witness:
    """One connection with one request. `ended`: whole (the framing said so), cut, or None.

    `wire_at_s` is when the last bytes came, heads and heartbeats too; seconds since it asked.
    """

    def __init__(self, call: Call, prompt: str, rcvbuf: int = 0) -> None:
        self._call = call
        self._began_s = time.monotonic()
        self._answer = Answer(call, prompt, "[DONE]")
        self.body = self._answer.body = KeptBody(self._began_s)
        self._line = Line(connecting_socket(rcvbuf), Gate())
        self.local_port = 0
        self.ended: Ended | None = None
        self.problem = ""
        self.ended_at_s = self.wire_at_s = 0.0
        self.longest_gap_s = 0.0

    @property
    def status(self) -> int | None:
        return self._answer.status

    @property
    def headers(self) -> dict[str, str]:
        return self._answer.headers

    @property
    def now_s(self) -> float:
        return time.monotonic() - self._began_s

    async def ask(self) -> None:
        """Connect and send the request; a refusal ends it as cut."""
        try:
            self.local_port = await self._line.connect(self._call.address, self._call.port)
            await self._line.send(self._answer.request)
        except OSError as problem:
            self._end("cut", f"the connection was refused ({problem})")

    async def read(self, wanted: Callable[[], bool], timeout_s: float) -> bool:
        """Read until `wanted` holds, the answer ends, or the time is over; say if it is wanted."""
        try:
            async with asyncio.timeout(timeout_s):
                while not wanted() and self.ended is None:
                    await self._read_more(wanted)
        except TimeoutError:
            pass
        except (OSError, NoAnswer, h11.ProtocolError) as problem:
            self._end("cut", str(problem))
        return wanted()

    async def read_all(self, timeout_s: float) -> bool:
        """Read to the end; False if the time is over first."""
        return await self.read(lambda: self.ended is not None, timeout_s)

    async def read_head(self, timeout_s: float) -> bool:
        """Read the status and the headers, and not a byte of the body."""
        return await self.read(lambda: self.status is not None, timeout_s)

    def leave(self) -> None:
        """Close the connection, as a closed tab does."""
        self._line.close()

    async def _read_more(self, wanted: Callable[[], bool]) -> None:
        if self.status is None:
            self._note(await self._line.receive_head())
            coding = self.headers.get("content-encoding", "").strip().lower()
            self.body.decode = decoder("" if coding == "gzip" else coding)  # an Answer unpacks it
        else:
            await self._line.receive(PIECE_BYTES, lambda data: self._take(data, wanted))

    def _take(self, data: bytes, wanted: Callable[[], bool]) -> int:
        self._note(data)
        return 0 if wanted() or self.ended else PIECE_BYTES

    def _note(self, data: bytes) -> None:
        self._answer.feed(data)
        if data:
            self.longest_gap_s = max(self.longest_gap_s, self.now_s - self.wire_at_s)
            self.wire_at_s = self.now_s
        if self._answer.ended:
            self._end("whole", "")

    def _end(self, how: Ended, problem: str) -> None:
        self.ended, self.problem, self.ended_at_s = how, problem, self.now_s
        self._line.close()
