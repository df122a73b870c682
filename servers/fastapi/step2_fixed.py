"""Stream, and ask for the next token when the socket has taken the last.

Run it alone: python -m servers.fastapi.step2_fixed
"""

from collections.abc import AsyncIterator

from fastapi.sse import EventSourceResponse, ServerSentEvent

from servers.fastapi.common import LLM_ERRORS, Answer, ending, event_of, failure, make_app, run

app = make_app()


@app.post("/chat", response_class=EventSourceResponse)
async def chat(stream: Answer) -> AsyncIterator[ServerSentEvent]:
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
