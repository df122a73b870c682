"""Does a silent answer beat, by one writer and in comments of their own, and lose no token?"""

import asyncio
import functools
import json
from typing import Any

from aiohttp import web

from servers.common import Handler
from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.trial import serving
from workshop_lib.experiment import Buffers
from workshop_lib.pipe.reader import read_chunks
from workshop_lib.pipe.sse import SseParser

ANSWER_TOKENS = 3
FIRST_TOKEN_S, TOKENS_PER_S = 1.5, 1.25
FEWEST_BEFORE, FEWEST_BETWEEN = 2, 2
ANSWER_TIMEOUT_S = 20


async def judge_heartbeat(attempt: Any) -> str:
    writers = set[asyncio.Task[Any] | None]()
    with serving(
        attempt,
        Buffers(),
        answer_tokens=ANSWER_TOKENS,
        tokens_per_s=TOKENS_PER_S,
        around=lambda handler: noting(handler, writers),
    ) as trial:
        trial.llm.set(first_token_s=FIRST_TOKEN_S)
        body = await _read(trial.url)
        trial.guard.raise_problem()
    _check_events(body)
    before, between = _beats(body)
    if len(writers) > 1:
        raise NotYet(
            f"{len(writers)} tasks wrote to this one answer. Of two that wait for the same reader, "
            "one can end the other's wait: let the task that writes the tokens send the heartbeat."
        )
    if before < FEWEST_BEFORE:
        raise NotYet(
            f"{before} heartbeats came in the {FIRST_TOKEN_S} s before the first token, and "
            f"{between} after it. That is the longest silence: let the wait for the first token "
            "beat, too."
        )
    if between < FEWEST_BETWEEN:
        raise NotYet(f"{between} heartbeats came between the tokens. A model thinks there, too.")
    return (
        f"{before} heartbeats came before the first token and {between} between the "
        f"{ANSWER_TOKENS}, each a comment of its own, from one writer. No token was lost."
    )


def noting(handler: Handler, writers: set[asyncio.Task[Any] | None]) -> Handler:
    """Serve a handler, and note which tasks write to its response."""

    @functools.wraps(handler)
    async def chat(request: web.Request) -> web.StreamResponse:
        write = request.writer.write

        async def noted(*chunk: Any, **options: Any) -> None:
            writers.add(asyncio.current_task())
            await write(*chunk, **options)

        request.writer.write = noted
        return await handler(request)

    return chat


async def _read(url: str) -> bytes:
    """Read an answer to its end, or to where it breaks off."""
    body = b""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            async for chunk in read_chunks(url):
                body += chunk
    except (ConnectionError, TimeoutError):
        pass
    return body


def _check_events(body: bytes) -> None:
    events = [event.data for event in SseParser().push(body)]
    tokens = [data for data in events if '"token"' in data]
    strange = [data for data in events if not data.startswith(('{"token"', '{"error"', "[DONE]"))]
    if strange:
        raise NotYet(
            f"An event with the data {strange[0]!r} came between the tokens, and every reader gets "
            "it as a message. A heartbeat is a comment: a line that begins with a colon."
        )
    if len(tokens) < ANSWER_TOKENS or events[-1] != "[DONE]":
        last = json.dumps(events[-1]) if events else "nothing"
        raise NotYet(
            f"{len(tokens)} of {ANSWER_TOKENS} tokens came, and then {last}. A wait that is "
            "cancelled takes the LLM's next chunk with it: keep waiting for the same one."
        )


def _beats(body: bytes) -> tuple[int, int]:
    """Count the comments before the first token and after it; NotYet for one not on its own."""
    blocks = body.replace(b"\r\n", b"\n").split(b"\n\n")
    first = next(at for at, block in enumerate(blocks) if b'"token"' in block)
    for block in blocks:
        lines = block.splitlines()
        comments = sum(line.startswith(b":") for line in lines)
        if comments and len(lines) > 1:
            raise NotYet(
                f"{comments} comments share a block with {len(lines) - comments} other lines. Some "
                "parsers make an event of that: end each heartbeat with a blank line."
            )
    beats = [block.startswith(b":") for block in blocks]
    return sum(beats[:first]), sum(beats[first:])
