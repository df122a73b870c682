"""Stream, wait for the socket, and stop the LLM when the reader leaves, at whatever moment.

Run it alone: python -m servers.fastapi.step3_cancelling
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from openai import AsyncStream

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


async def closed_in_the_end(stream: Answer) -> AsyncIterator[AsyncStream[Chunk]]:
    async with stream:  # FastAPI cancels a generator that waits, and forgets one that has yielded
        yield stream


@app.post("/chat", response_class=EventSourceResponse)
async def chat(
    stream: Annotated[AsyncStream[Chunk], Depends(closed_in_the_end)],
) -> AsyncIterator[ServerSentEvent]:
    last = None
    try:
        async for last in stream:  # the next chunk is asked for only when this one is gone
            if event := event_of(last):
                yield event
        yield ending(last)
    except LLM_ERRORS:
        yield failure()


if __name__ == "__main__":
    run(app)
