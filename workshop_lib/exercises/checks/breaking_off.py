"""Does a model's name make the LLM cut the connection after the right token?"""

import asyncio
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from servers.common import LLM_ERRORS
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.fake_llm import FakeLLM

BREAKS_OFF_AFTER = 7
ANSWER_TOKENS = 40
ANSWER_TIMEOUT_S = 5.0


async def judge_break(attempt: Any) -> str:
    if not isinstance(attempt, str):
        raise NotYet(f"The check got {attempt!r}. Give it the model's name, as text in quotes.")
    with FakeLLM(tokens_per_s=200, answer_tokens=ANSWER_TOKENS) as llm:
        tokens, ended = await _ask(llm, attempt)
        rows = llm.ledger().streams
    by_the_llm = rows[-1].ended_by if rows else None
    if tokens != BREAKS_OFF_AFTER:
        raise NotYet(
            f"{tokens} tokens came, and then: {ended}. Wanted are {BREAKS_OFF_AFTER}; fault_at "
            "is the number of the token that no longer comes, counted from 0."
        )
    if by_the_llm != "fault: cut":
        raise NotYet(
            f"{tokens} tokens came, as wanted, and then: {ended}. The connection was not cut: "
            f"for the LLM the answer ended by «{by_the_llm}». Find the fault that cuts it."
        )
    return f"The SDK got {tokens} tokens, and then: {ended}."


async def _ask(llm: FakeLLM, model: str) -> tuple[int, str]:
    """Return the tokens that the SDK got, and how the answer ended for it."""
    tokens, finish = 0, None
    key = llm.env["OPENAI_API_KEY"]
    try:
        async with (
            asyncio.timeout(ANSWER_TIMEOUT_S),
            AsyncOpenAI(base_url=llm.base_url, api_key=key, max_retries=0) as client,
        ):
            messages: Any = [{"role": "user", "content": "Hello"}]
            stream = await client.chat.completions.create(
                model=model, messages=messages, stream=True
            )
            async for chunk in stream:
                finish = chunk.choices[0].finish_reason
                tokens += bool(chunk.choices[0].delta.content)
    except openai.APIStatusError as refused:
        raise NotYet(f"The LLM refused to answer: {_said(refused)}") from None
    except TimeoutError:
        raise NotYet(
            f"After {ANSWER_TIMEOUT_S:.0f} s the answer had {tokens} tokens and no end: a silent "
            "LLM is not a cut connection, and a slow one takes too long. Try another fault."
        ) from None
    except (*LLM_ERRORS, httpx2.HTTPError, OSError) as problem:
        return tokens, f"{type(problem).__name__}, {problem}".rstrip(".")
    return tokens, f"the end, with finish_reason {finish!r} and no error at all"


def _said(refused: openai.APIStatusError) -> str:
    body: Any = refused.body
    try:
        return str(body["message"])
    except (LookupError, TypeError):
        return str(refused)
