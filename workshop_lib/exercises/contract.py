"""What every exercise is: a starter to change, hints one by one, a check with three outcomes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from workshop_lib.exercises.code import same, text_of

Outcome = Literal["not tried yet", "not yet", "correct"]


class NotYet(Exception):
    """What was found in an attempt, in figures, and what to try next."""


@dataclass(frozen=True)
class Result:
    """What a check found; its text begins with a line that names the outcome and the exercise."""

    exercise: str
    outcome: Outcome
    finding: str

    def __str__(self) -> str:
        return f"{self.outcome}: {self.exercise}\n{self.finding}"

    def _ipython_display_(self) -> None:
        """Show nothing: at the end of a cell the message would stand there twice."""


@dataclass
class Exercise:
    """Something to do, from `starter` to what `judge` accepts.

    `starter` and `answer` are functions, or values that the learner keeps in `variable`. `judge`
    returns what is right about an attempt, with its figures, or raises NotYet.
    """

    name: str
    task: str
    starter: Any
    answer: Any
    hints: tuple[str, ...]
    judge: Callable[[Any], Awaitable[str]]
    variable: str = ""
    _shown: int = field(default=0, init=False, repr=False)

    @property
    def starter_text(self) -> str:
        """The code that a lesson's cell begins with."""
        return text_of(self.starter, self.variable)

    def show(self) -> None:
        """Print what to do, and the code to start from."""
        print(f"{self.task}\n\n{self.starter_text}")

    def hint(self) -> None:
        """Print the next hint; after the last one, begin again."""
        number = self._shown % len(self.hints)
        self._shown += 1
        print(f"hint {number + 1} of {len(self.hints)}: {self.hints[number]}")

    def solution(self) -> None:
        """Print one solution, the one that the tests check."""
        print(text_of(self.answer, self.variable))

    async def check(self, attempt: Any) -> Result:
        """Print and return what an attempt is worth; of its errors only a sentence remains."""
        result = await self._judged(attempt)
        print(result)
        return result

    async def _judged(self, attempt: Any) -> Result:
        if same(attempt, self.starter):
            untouched = (
                "This is still the starter. Change its cell, run it, and run this cell again; "
                f"{self.name}.hint() gives a hint."
            )
            return Result(self.name, "not tried yet", untouched)
        try:
            return Result(self.name, "correct", await self.judge(attempt))
        except NotYet as finding:
            return Result(self.name, "not yet", str(finding))
