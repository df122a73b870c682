"""When each token is due."""

import asyncio
import time
from random import Random

from workshop_lib.pipe.fake_llm.knobs import Answer

HELD_S = 0.001  # a write that takes less has not been held back: it is the cost of the call


class Pace:
    """An absolute schedule: a late wake-up is caught up with, so the rate does not drift.

    What the reader held back is not caught up with: the schedule moves on by that time, and a
    reader that comes back gets the answer's own speed, no burst.
    """

    def __init__(self, answer: Answer, prompt: str) -> None:
        self._gap_s = 1 / answer.tokens_per_s if answer.tokens_per_s else 0.0
        self._jitter_s = answer.jitter * self._gap_s
        # seeded by the prompt too, so that streams started together do not stutter together
        self._random = Random(f"{answer.seed} {prompt}") if self._jitter_s else None
        self._origin_s = time.monotonic() + answer.first_token_s

    async def until(self, token: int) -> None:
        """Wait until a token is due; let other streams have their turn in any case."""
        jitter_s = self._random.random() * self._jitter_s if self._random else 0.0
        due_s = self._origin_s + token * self._gap_s + jitter_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    def held_back(self, held_s: float, next_token: int) -> None:
        """Move the schedule on, for a write that had to wait for the reader."""
        late_s = time.monotonic() - (self._origin_s + next_token * self._gap_s)
        if held_s > HELD_S:
            self._origin_s += max(0.0, min(held_s, late_s))
