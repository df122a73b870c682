"""The card to take home, made of the cases: a symptom, its cause, its proof and its repair."""

from collections.abc import Sequence
from pathlib import Path

from workshop_lib.cases.case import CASES
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.remedies import REMEDIES

CARD = "symptom_card.md"
HEAD = ("case", "symptom", "cause", "how to measure it", "the repair", "where it is repaired")


def card() -> str:
    """Return the card as Markdown, one row a case."""
    rows = [_row(HEAD), _row(["---"] * len(HEAD))]
    rows += [
        _row((letter, case.complaint, CAUSES[case.cause].title, *REMEDIES[case.cause]))
        for letter, case in CASES.items()
    ]
    return "# Symptom, cause, measurement, repair\n\n" + "\n".join(rows) + "\n"


def save_card(folder: Path | str = ".") -> Path:
    """Write the card into a folder, over an older one, and return where it is."""
    path = Path(folder) / CARD
    path.write_text(card(), encoding="utf-8")
    return path


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
