"""Let go of an LLM's answer that may not have been read to its end."""

from collections.abc import AsyncGenerator

from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk as Chunk


async def close(stream: AsyncStream[Chunk]) -> None:
    """Close an answer with all that it holds, which stops the LLM."""
    await stream.close()
    # That closes the connection alone. Around it stands a cycle of the SDK's generators, which
    # would be left to the garbage collector; there is no public way to close them, and to read
    # on to their end would take as long as all that the server has in hand.
    generator: AsyncGenerator[Chunk] | None = getattr(stream, "_iterator", None)
    if generator:
        await generator.aclose()
