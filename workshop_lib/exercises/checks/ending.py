"""Does an answer's last state say how the answer ended? Four servers end theirs in four ways."""

import asyncio
import inspect
from typing import Any

from servers.common import failure
from workshop_lib.exercises.calling import CALL_TIMEOUT_S, watched
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.endings import ENDINGS, serving_endings
from workshop_lib.pipe.reader import read_events
from workshop_lib.pipe.tokens import token_text

JUDGED = ("complete", "error event", "end without [DONE]", "connection cut")
WHAT_HAPPENED = {
    "complete": "The answer was complete, [DONE] included",
    "error event": "The LLM broke off, and the server said so in an error event",
    "end without [DONE]": "The stream ended, and no [DONE] had come",
    "connection cut": "The connection broke in the middle of the answer",
}
ADVICE = {
    "complete": "[DONE] is the one sign that an answer is complete: it is no error.",
    "error event": 'Look for "error" in an event before you look for its token.',
    "end without [DONE]": "That a stream ends does not make it complete: only [DONE] does.",
    "connection cut": "Whatever ends the loop before [DONE] is an error to tell of.",
}
GIVE_BACK = "Let it return when the events end."
SHORTEST_SENTENCE = 12


async def judge_ending(attempt: Any) -> str:
    if not inspect.iscoroutinefunction(attempt):
        raise NotYet(
            f"The check got {attempt!r}. Give it your `async def` by its name, without parentheses."
        )
    with serving_endings(*JUDGED) as urls:
        for name, url in urls.items():
            _check(name, _shown(attempt, url))
    tokens = ENDINGS["error event"].tokens
    return (
        f"Of {len(JUDGED)} answers from running servers the one that was complete is done. The "
        f"others say what happened, and keep the {tokens} tokens that had come."
    )


def _shown(attempt: Any, url: str) -> tuple[str, str, str]:
    async def in_time() -> Any:
        try:
            return await asyncio.wait_for(attempt(read_events(url)), CALL_TIMEOUT_S - 1)
        except TimeoutError:
            raise NotYet(
                f"The answer had ended, and your function was still waiting. {GIVE_BACK}"
            ) from None

    shown = watched(attempt, lambda: asyncio.run(in_time()), GIVE_BACK)
    match shown:
        case (str() as status, str() as text, str() as message) if status in ("done", "error"):
            return status, text, message
        case _:
            raise NotYet(
                f"Your function returned {shown!r}. Return three texts: the status, which is "
                '"done" or "error", the answer\'s text, and the message.'
            )


def _check(name: str, shown: tuple[str, str, str]) -> None:
    status, text, message = shown
    wanted = "done" if name == "complete" else "error"
    came = "".join(map(token_text, range(ENDINGS[name].tokens)))
    seen = f"{WHAT_HAPPENED[name]}; your user sees {text!r}, {status!r} and {message!r}."
    if status != wanted:
        raise NotYet(f"{seen} {ADVICE[name]}")
    if text != came:
        raise NotYet(f"{seen} {came!r} had come. Keep it, and nothing else: people have read it.")
    if name == "error event" and message not in failure().decode():
        raise NotYet(f"{seen} The event says what happened, under error, message: show that.")
    if wanted == "error" and len(message) < SHORTEST_SENTENCE:
        raise NotYet(f"{seen} Say in a sentence what happened and what to do.")
