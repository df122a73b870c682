"""An answer in pieces: the model works only while somebody waits for what comes next.

llama.cpp writes an answer on into its own memory, whether it is read or not, and cannot be told to
wait. So it is asked for a few tokens at a time. What has been computed stays in its cache, and the
next piece goes on from there: 8 % slower than all at once, and nobody is ahead of the reader by
more than a piece.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from workshop_lib.pipe.local_model.engine import CONTEXT_TOKENS

Json = dict[str, Any]

PIECE_TOKENS = 8  # an emoji takes three or four, and half of one is not sent
# A prompt that grows by text may be cut into other tokens than it was generated in.
SPARE_TOKENS = 2 * PIECE_TOKENS
# The model card's temperature and top_p; without the penalty so small a model soon repeats itself.
SAMPLING: Json = {"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1}


class Refused(Exception):
    """What llama.cpp says of a request that it does not take: `status`, and `body` as JSON."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(body)
        self.status, self.body = status, body


@dataclass
class Answer:
    """One answer as it comes: `finish` and the counts are right when `text()` has ended."""

    session: ClientSession
    prompt: str
    limit_tokens: int
    options: Mapping[str, Any]
    prompt_tokens: int = 0
    tokens: int = 0
    finish: str = "length"

    async def text(self) -> AsyncGenerator[str]:
        """Yield the text token by token. Raises Refused, mostly before the first."""
        so_far = ""
        while self.tokens < self.limit_tokens:
            wanted = min(PIECE_TOKENS, self.limit_tokens - self.tokens)
            async with aclosing(self._piece(self.prompt + so_far, wanted)) as events:
                async for event in events:
                    if event["content"]:
                        so_far += event["content"]
                        yield event["content"]
                    if event["stop"]:
                        self._note(event)
            if self.finish == "stop":
                return

    async def _piece(self, prompt: str, wanted: int) -> AsyncGenerator[Json]:
        body = {**SAMPLING, **self.options, "prompt": prompt, "n_predict": wanted, "stream": True}
        if isinstance(seed := self.options.get("seed"), int):
            body["seed"] = seed + self.tokens  # the same for each piece would draw the same
        async with self.session.post("/completion", json=body) as response:
            if response.status != HTTPStatus.OK:
                raise Refused(response.status, await response.json())
            async for line in response.content:
                if line.startswith(b"data: "):
                    event = json.loads(line.removeprefix(b"data: "))
                    if "error" in event:
                        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, event)
                    yield event

    def _note(self, last: Json) -> None:
        self.tokens += last["tokens_predicted"]
        if last["stop_type"] != "limit":
            self.finish = "stop"
        if not self.prompt_tokens:
            self.prompt_tokens = last["tokens_evaluated"]
            room = CONTEXT_TOKENS - SPARE_TOKENS - self.prompt_tokens
            self.limit_tokens = min(self.limit_tokens, max(self.tokens, room))


async def prompt_of(session: ClientSession, messages: object) -> str:
    """Write messages as this model was trained to read them. Raises Refused."""
    async with session.post("/apply-template", json={"messages": messages}) as response:
        said = await response.json()
        if response.status != HTTPStatus.OK:
            raise Refused(response.status, said)
        return said["prompt"]
