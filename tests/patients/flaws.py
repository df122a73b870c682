"""The flaws: how an answer is read from the LLM, and what becomes of its tokens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk as Chunk

A_LOT_BYTES = 8_000_000
CLUMP_PIECES = 40
EVERY = 25
_running: set[asyncio.Task[None]] = set()


async def straight(stream: AsyncStream[Chunk]) -> AsyncGenerator[Chunk]:
    """No flaw: the next chunk is asked for when the last is gone, and leaving closes the stream."""
    async with stream:
        async for chunk in stream:
            yield chunk


async def gathering(stream: AsyncStream[Chunk]) -> AsyncGenerator[Chunk]:
    async with stream:
        chunks = [chunk async for chunk in stream]
    for chunk in chunks:
        yield chunk


async def hoarding(
    stream: AsyncStream[Chunk], most_bytes: float = float("inf")
) -> AsyncGenerator[Chunk]:
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue()
    held_bytes = 0

    async def read_llm() -> None:
        nonlocal held_bytes
        try:
            async for chunk in stream:
                queue.put_nowait(chunk)
                held_bytes += size_of(chunk)
                while held_bytes > most_bytes:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        finally:
            queue.put_nowait(None)

    reading = asyncio.create_task(read_llm())
    try:
        async with stream:
            while chunk := await queue.get():
                held_bytes -= size_of(chunk)
                yield chunk
            await reading
    finally:
        reading.cancel()


def hoarding_8mb(stream: AsyncStream[Chunk]) -> AsyncGenerator[Chunk]:
    return hoarding(stream, A_LOT_BYTES)


async def reading_on(stream: AsyncStream[Chunk]) -> AsyncGenerator[Chunk]:
    """Wait for a slow reader, but read the rest for one that has left."""
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue(1)
    left = False

    async def read_llm() -> None:
        try:
            async for chunk in stream:
                if not left:
                    await queue.put(chunk)
        finally:
            if not left:
                await queue.put(None)

    reading = asyncio.create_task(read_llm())
    _running.add(reading)
    reading.add_done_callback(_forget)
    try:
        while chunk := await queue.get():
            yield chunk
        await asyncio.shield(reading)
    finally:
        left = True
        while not queue.empty():
            queue.get_nowait()


def _forget(reading: asyncio.Task[None]) -> None:
    _running.discard(reading)
    if not reading.cancelled():
        reading.exception()


async def clumped(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Hand on many pieces at once, as a compressor or a buffer on the way does."""
    held: list[bytes] = []
    async for piece in pieces:
        held.append(piece)
        if len(held) == CLUMP_PIECES:
            yield b"".join(held)
            held.clear()
    yield b"".join(held)


async def unframed(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """End a line where an event should end: a parser makes one event of all (WHATWG, 9.2.6)."""
    async for piece in pieces:
        yield piece.replace(b"\n\n", b"\n")


def altered(flaw: str, text: str, number: int) -> list[str]:
    """Return what is said in place of token `number`."""
    if flaw == "garbles":  # UTF-8 taken for something older
        return [text.encode().decode("ascii", "replace")]
    if number % EVERY == EVERY - 1:
        if flaw == "loses":
            return []
        if flaw == "doubles":
            return [text, text]
    return [text]


def size_of(chunk: Chunk) -> int:
    text = chunk.choices[0].delta.content if chunk.choices else None
    return len(text or "")
