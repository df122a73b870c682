"""Stream, and hoard for slow readers: what the socket does not take waits in a queue.

Run it alone: python -m servers.fastapi.step1_broken
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi.sse import EventSourceResponse, ServerSentEvent

from servers.fastapi.common import (
    LLM_ERRORS,
    Answer,
    Chunk,
    ending,
    event_of,
    failure,
    make_app,
    run,
)

app = make_app()


@app.post("/chat", response_class=EventSourceResponse)
async def chat(stream: Answer) -> AsyncIterator[ServerSentEvent]:
    last = None
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue()

    async def read_llm() -> None:
        try:
            async for chunk in stream:
                queue.put_nowait(chunk)  # there is always room: nobody is ever told to wait
        finally:
            queue.put_nowait(None)

    reading = asyncio.create_task(read_llm())
    try:
        while chunk := await queue.get():
            last = chunk
            if event := event_of(last):
                yield event
        await reading
        yield ending(last)
    except LLM_ERRORS:
        yield failure()
    finally:
        reading.cancel()


if __name__ == "__main__":
    run(app)
