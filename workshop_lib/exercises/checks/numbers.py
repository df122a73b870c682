"""Does every event carry its token's number?"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
from httpx_sse import SSEError, aconnect_sse

from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.trial import serving
from workshop_lib.experiment import Buffers

READERS = 3
ANSWER_TOKENS = 40
ANSWER_TIMEOUT_S = 5.0


async def judge_numbers(attempt: Any) -> str:
    with serving(attempt, Buffers(), answer_tokens=ANSWER_TOKENS, tokens_per_s=200) as trial:
        asking = [_read_events(trial.url, reader) for reader in range(READERS)]
        answers = await asyncio.gather(*asking)
        _check_firsts(answers)
        for reader, events in enumerate(answers):
            _check_events(reader, events)
    return (
        f"{READERS} readers at once got {ANSWER_TOKENS} tokens each, numbered from 0 to "
        f"{ANSWER_TOKENS - 1}, and then [DONE]."
    )


async def _read_events(url: str, reader: int) -> list[str]:
    """Return the data of each event of one answer; a break is an event less."""
    got: list[str] = []
    body = {"prompt": f"reader {reader}"}
    try:
        async with (
            asyncio.timeout(ANSWER_TIMEOUT_S),
            httpx.AsyncClient(timeout=None, trust_env=False) as client,
            aconnect_sse(client, "POST", url, json=body) as source,
        ):
            async for sent in source.aiter_sse():
                got.append(sent.data)
    except TimeoutError:
        raise NotYet(
            f"The answer did not end within {ANSWER_TIMEOUT_S:.0f} s: {len(got)} events came. "
            "Return the response when the LLM has finished."
        ) from None
    except (httpx.HTTPError, SSEError) as problem:
        raise NotYet(
            f"The answer broke off after {len(got)} events ({problem}). Send every event with "
            "response.write(event(...)), and return the response at the end."
        ) from None
    return got


def _check_events(reader: int, events: Sequence[str]) -> None:
    for number, data in enumerate(events[:ANSWER_TOKENS]):
        _check_event(number, _token_in(number, data))
    if len(events) < ANSWER_TOKENS + 1 or events[-1] != "[DONE]":
        raise NotYet(
            f"Reader {reader} got {len(events)} events, the last of them {events[-1:]}, and was "
            f"due {ANSWER_TOKENS} tokens and [DONE]. Keep the line with ending(last)."
        )


def _token_in(number: int, data: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(data)
        if found["token"]:
            return found
    except (ValueError, LookupError, TypeError):
        pass
    raise NotYet(
        f"Event {number} holds no token: {data[:80]}. Send one event for each token, with both "
        'of them in it: {"token": ..., "n": ...}; a chunk without text gets none.'
    )


def _check_event(number: int, found: dict[str, Any]) -> None:
    sent = found.get("n")
    if not str(found["token"]).startswith((f"#{number} ", f"#{number}.")):
        raise NotYet(
            f"Event {number} carries the token {found['token']!r}: a token is missing, or came "
            "out of order. Write the events one after the other, each with its own `await`."
        )
    if "n" not in found:
        raise NotYet(f'Event {number} is {found} and has no "n". Make it with event({{...}}).')
    if type(sent) is not int:
        raise NotYet(f"Event {number} has {sent!r} for n. Send a number, without quotes.")
    if sent != number:
        raise NotYet(f"The first wrong number: event {number} says n={sent}. {_why(number, sent)}")


def _why(number: int, sent: int) -> str:
    if sent < number:
        return "Add 1 after every token."
    if number == 0 and sent == 1:
        return (
            "Numbers begin at 0; and the LLM's first chunk holds only a role, without text: count "
            "tokens, not chunks."
        )
    return "Add 1 for each token that you send, and for nothing else."


def _check_firsts(answers: Sequence[Sequence[str]]) -> None:
    """Look for a counter that the answers share: each of them begins at another number."""
    firsts = [_token_in(0, events[0]).get("n") for events in answers if events]
    if len(set(map(str, firsts))) > 1:
        raise NotYet(
            f"{READERS} answers began at once, and their first numbers are {firsts}. Each begins "
            "at 0: keep the counter inside the handler, where nobody shares it."
        )
