"""A long answer in Markdown that comes token by token only where somebody measures."""

import asyncio
import re
from dataclasses import dataclass
from functools import cached_property
from random import Random

from aiohttp import web

from servers.common import Handler, event, start_stream

WORDS = """
a the of to in is that for it as with on by at from this be are or an each which when one
token stream page frame text part line time work long small whole again never first last reader
answer parse commit render block screen paint budget browser server
"""


@dataclass(frozen=True)
class LongAnswer:
    """An answer of equal sections; `watched` of them come token by token, spread over its length.

    All other tokens come as fast as they can, and then nothing for `settle_s`: what they have set
    off is over when a watched section begins. `prose` has paragraphs and nothing else. `stretches`
    says where the watched sections begin and end, in characters.
    """

    sections: int = 80
    watched: int = 5
    tokens_per_s: float = 200.0
    prose: bool = False
    settle_s: float = 0.4
    seed: int = 1

    @cached_property
    def tokens(self) -> list[list[str]]:
        """The tokens of each section; a section has as many as its neighbour."""
        chance = Random(self.seed)
        write = _prose if self.prose else _mixed
        return [re.findall(r"\s*\S+", write(chance, n)) for n in range(self.sections)]

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """Return from and to which character the answer comes at its pace."""
        ends = [0]
        for tokens in self.tokens:
            ends.append(ends[-1] + len("".join(tokens)))
        return [(ends[n], ends[n + 1]) for n in self.watched_sections]

    @property
    def watched_sections(self) -> list[int]:
        last = self.sections - 1
        return [round(last * n / (self.watched - 1)) for n in range(self.watched)]

    @property
    def chat(self) -> Handler:
        """A handler that gives this answer to everybody."""

        async def chat(request: web.Request) -> web.StreamResponse:
            response, _ = await start_stream(request)
            ahead: list[str] = []
            for n, tokens in enumerate(self.tokens):
                if n not in self.watched_sections:
                    ahead += tokens
                    continue
                if ahead:
                    await response.write(_events(ahead))
                    await asyncio.sleep(self.settle_s)
                await self._at_pace(response, tokens)
                ahead = []
            await response.write(b"data: [DONE]\n\n")
            return response

        return chat

    async def _at_pace(self, response: web.StreamResponse, tokens: list[str]) -> None:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        for n, token in enumerate(tokens):
            await asyncio.sleep(begun_s + n / self.tokens_per_s - loop.time())
            await response.write(_events([token]))


def _events(tokens: list[str]) -> bytes:
    return b"".join(event({"token": token}) for token in tokens)


def _prose(chance: Random, _: int) -> str:
    return "".join(f"\n\n{_words(chance, 50)}." for _ in range(5))


def _mixed(chance: Random, number: int) -> str:
    """Write a title, paragraphs, a list, code and a table: 250 tokens."""
    items = "\n".join(f"- **{_words(chance, 2)}** {_words(chance, 7)}" for _ in range(4))
    code = "\n".join(f"    {_words(chance, 1)} = {_words(chance, 2)!r}" for _ in range(6))
    rows = "\n".join(f"| {_words(chance, 1)} | {_words(chance, 3)} |" for _ in range(3))
    paragraphs = [
        f"{_words(chance, 29)} *{_words(chance, 2)}* {_words(chance, 18)} `{_words(chance, 1)}`."
        for _ in range(3)
    ]
    return (
        f"\n\n## {number} {_words(chance, 3)}\n\n{paragraphs[0]}\n\n{items}\n\n{paragraphs[1]}\n\n"
        f"```py\ndef f():\n{code}\n```\n\n{paragraphs[2]}\n\n| a | b |\n|---|---|\n{rows}"
    )


def _words(chance: Random, count: int) -> str:
    return " ".join(chance.choices(WORDS.split(), k=count))
