"""One reader's visit: what it got, and what the LLM was asked for meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from workshop_lib.doctor.channel import Channel, channel_of
from workshop_lib.doctor.frames import Frame, Framing, frames_of, framing_of
from workshop_lib.doctor.witness import Witness
from workshop_lib.pipe.fake_llm import FakeLLM, StreamRow

BEAT_S = 0.05


class Visit:
    """A witness with the LLM's streams that it caused: by its prompt, or by when they began."""

    def __init__(self, witness: Witness, llm: FakeLLM | None, since: int, prompt: str) -> None:
        self.witness = witness
        self._llm, self._since, self._prompt = llm, since, prompt

    def rows(self) -> list[StreamRow]:
        """Return the LLM's streams for this reader."""
        rows = self.all_rows()
        return [row for row in rows if self._prompt in row.prompt] or rows

    def all_rows(self) -> list[StreamRow]:
        """Return the LLM's streams since this reader came, those of later ones too."""
        return list(self._llm.ledger(self._since)) if self._llm else []

    def pulled_bytes(self) -> int:
        """Return the bytes that left the LLM for it, those in the kernel's buffers too."""
        return sum(row.accepted_bytes for row in self.rows())

    def produced_tokens(self) -> int:
        """Return the tokens that the LLM has produced for it."""
        return sum(row.tokens for row in self.rows())

    def upstream_open(self) -> bool:
        """Tell whether the LLM still answers."""
        return any(row.ended_s is None for row in self.rows())

    async def reached_llm(self, timeout_s: float) -> bool:
        """Wait until the server has asked the LLM."""
        return await until(lambda: bool(self.rows()), timeout_s)

    @property
    def framing(self) -> Framing:
        """The framing of the body."""
        kind = self.witness.headers.get("content-type", "")
        return framing_of(kind, self.witness.body.pieces)

    def frames(self) -> list[Frame]:
        """Return the body's frames so far."""
        return frames_of(self.framing, self.witness.body.pieces)

    def channel(self) -> Channel:
        """Return the text that carries the tokens so far."""
        return channel_of(self.frames())

    def body(self) -> bytes:
        """Return the body, as far as it was kept."""
        return b"".join(data for _, data in self.witness.body.pieces)


async def until(look: Callable[[], bool], timeout_s: float, beat_s: float = BEAT_S) -> bool:
    """Look until it is so, or the time is over."""
    give_up_s = time.monotonic() + timeout_s
    while not look():
        if time.monotonic() > give_up_s:
            return False
        await asyncio.sleep(beat_s)
    return True


async def reading(visit: Visit, work: Awaitable[bool]) -> bool:
    """Do something while the reader reads on."""
    task = asyncio.create_task(visit.witness.read(lambda: False, 3600))
    try:
        return await work
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
