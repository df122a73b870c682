"""A splitter beside a browser: what each hears of the same bytes."""

from collections.abc import Callable, Iterable, Iterator

from workshop_lib.pipe.sse_corpus import HandCase, hand_cases
from workshop_lib.show.table import show_table

Splitter = Callable[[Iterable[bytes]], Iterator[str]]


def right_cases(splitter: Splitter) -> int:
    """Count the cases of the corpus of which it hears what a browser hears."""
    return sum(_heard(splitter, case) == _wanted(case) for case in hand_cases())


def show_losses(splitter: Splitter, *names: str) -> None:
    """Show what a splitter makes of some cases of the corpus, and of how many it makes the best.

    `splitter` takes an answer's chunks and yields the data of its events. Raises ValueError for a
    name that no case has.
    """
    cases = {case.name: case for case in hand_cases()}
    if unknown := [name for name in names if name not in cases]:
        raise ValueError(f"No case is called {unknown[0]!r}. Take one of {', '.join(cases)}.")
    rows = [
        (case.name, _bytes(case), repr(_wanted(case)), repr(_heard(splitter, case)))
        for case in map(cases.__getitem__, names)
    ]
    head = ("case", "chunks", "a browser hears", "the splitter")
    note = f"{right_cases(splitter)} of {len(cases)} cases are heard as a browser hears them."
    show_table(head, rows, note)


def _heard(splitter: Splitter, case: HandCase) -> list[str]:
    return [*splitter(iter(case.chunks))]


def _wanted(case: HandCase) -> list[str]:
    return [event["data"] for event in case.expected["events"]]


def _bytes(case: HandCase) -> str:
    return " + ".join(map(repr, case.chunks))
