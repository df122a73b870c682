"""Serve the public: honest before the start, alive while silent, done with whoever takes nothing.

Run it alone: python -m servers.fastapi.step4_production
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from openai import AsyncStream

from servers.fastapi.common import (
    LLM_ERRORS,
    Chunk,
    Question,
    ending,
    event_of,
    failure,
    make_app,
)
from servers.fastapi.deadlines import ask_in_time, in_time, out_of_time, run_in_time
from servers.fastapi.leaving import QuietLeaving
from servers.fastapi.limits import HANDLERS, BodyLimit, within_limits

app = make_app(strict=True)
app.add_middleware(BodyLimit)
app.add_middleware(QuietLeaving)
app.exception_handlers.update(HANDLERS)


async def answer(
    request: Request, response: Response, question: Annotated[Question, Depends(within_limits)]
) -> AsyncIterator[AsyncStream[Chunk]]:
    # beside FastAPI's own no-cache: what compresses would gather tokens into blocks (RFC 9111)
    response.headers["Cache-Control"] = "no-transform"
    async with ask_in_time(request, question) as stream:
        yield stream


# FastAPI sends a comment after 15 s without an event, and only while its reader has room
@app.post("/chat", response_class=EventSourceResponse)
async def chat(
    stream: Annotated[AsyncStream[Chunk], Depends(answer)],
) -> AsyncIterator[ServerSentEvent]:
    last = None
    try:
        async for last in in_time(stream):  # the next is asked for only when this one is gone
            if event := event_of(last):
                yield event
        yield ending(last)
    except LLM_ERRORS:
        yield failure()
    except TimeoutError:
        yield out_of_time()


if __name__ == "__main__":
    run_in_time(app)
