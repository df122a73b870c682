"""What every exercise is: a starter to change, hints one by one, a check with three outcomes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from workshop_lib.exercises import progress
from workshop_lib.exercises.code import put_in_place_of, same, text_of

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

    to_try: ClassVar[str] = "Change its cell, run it, and run this cell again"

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

    @property
    def solution_text(self) -> str:
        """The code of one solution: put into the starter's cell, it is what is checked."""
        if self.variable:
            return text_of(self.answer, self.variable)
        return put_in_place_of(self.starter, self.answer)

    def hint(self, number: int | None = None) -> None:
        """Print a hint, by its number from 1, or the next one; after the last one begin again."""
        if number is None:
            number = self._shown % len(self.hints) + 1
        if not 1 <= number <= len(self.hints):
            print(f"There is no hint {number}. Ask for one from 1 to {len(self.hints)}.")
            return
        self._shown = number
        print(f"hint {number} of {len(self.hints)}: {self.hints[number - 1]}")

    def solution(self) -> None:
        """Print one solution, the one that the tests check."""
        print(self.solution_text)

    async def check(self, attempt: Any) -> Result:
        """Print and return what an attempt is worth; of its errors only a sentence remains."""
        result = await self._judged(attempt)
        if result.outcome == "correct":
            progress.note(self.name)
        print(result)
        return result

    async def _judged(self, attempt: Any) -> Result:
        if same(attempt, self.starter):
            untouched = (
                f"This is still the starter. {self.to_try}; {self.name}.hint() gives a hint."
            )
            return Result(self.name, "not tried yet", untouched)
        try:
            return Result(self.name, "correct", await self.judge(attempt))
        except NotYet as finding:
            return Result(self.name, "not yet", str(finding))
