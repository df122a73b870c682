"""A stand-in for llama.cpp's server: the same addresses, words for tokens, and it counts them."""

import json
from typing import Any

from aiohttp import web

MARK = "|"  # between a prompt and what has been answered so far
WORD_CHARS = 60


class Llama:
    """Answers every prompt with `words` words, as fast as its connection takes them."""

    def __init__(self, words: int) -> None:
        self.words, self.generated = words, 0
        self.asked: list[dict[str, Any]] = []

    def application(self) -> web.Application:
        """Build the web application."""
        app = web.Application()
        app.router.add_post("/apply-template", self.apply_template)
        app.router.add_post("/completion", self.completion)
        return app

    def word(self, number: int) -> str:
        """Return a word that says its number, and needs escapes."""
        return f'"{number}'.ljust(WORD_CHARS, "é") + "\n "

    def text(self, words: int) -> str:
        """Return an answer of so many words."""
        return "".join(map(self.word, range(words)))

    async def apply_template(self, request: web.Request) -> web.Response:
        """Write the messages into one prompt; refuse, as llama.cpp does, what is no list."""
        messages = (await request.json())["messages"]
        if not isinstance(messages, list):
            error = {"code": 400, "message": "Expected 'messages' to be an array"}
            return web.json_response({"error": error}, status=400)
        return web.json_response({"prompt": messages[-1]["content"] + MARK})

    async def completion(self, request: web.Request) -> web.StreamResponse:
        """Go on with an answer, for n_predict words at most."""
        asked = await request.json()
        self.asked.append(asked)
        start = asked["prompt"].partition(MARK)[2].count("\n")
        end = min(start + asked["n_predict"], self.words)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(start, end):
            self.generated += 1
            await response.write(line({"content": self.word(number), "stop": False}))
        why = "limit" if end == start + asked["n_predict"] else "eos"
        counts = {"tokens_predicted": end - start, "tokens_evaluated": 7 + start}
        await response.write(line({"content": "", "stop": True, "stop_type": why} | counts))
        return response


def line(event: dict[str, Any]) -> bytes:
    """Frame an event."""
    return f"data: {json.dumps(event)}\n\n".encode()
