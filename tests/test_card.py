"""The card is made of the cases: all ten, each with its symptom, cause, measurement and repair."""

from pathlib import Path

import pytest

from workshop_lib.cases import card as cards
from workshop_lib.cases.case import CASES
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.remedies import REMEDIES
from workshop_lib.pipe.node import ROOT


def rows() -> dict[str, list[str]]:
    """Returns the cells of each row of the card, by its first."""
    lines = [line for line in cards.card().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {row[0]: row[1:] for row in cells}


def test_every_case_has_its_row() -> None:
    assert rows() == {
        letter: [case.complaint, CAUSES[case.cause].title, *REMEDIES[case.cause]]
        for letter, case in CASES.items()
    }


def test_a_case_that_changes_changes_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CASES, "A", CASES["B"])
    assert rows()["A"] == rows()["B"]


def test_what_is_said_to_be_repaired_somewhere_is_there() -> None:
    for remedy in REMEDIES.values():
        for place in remedy.repaired_in.split(", "):
            path = place.partition(" ")[0].strip("`")
            assert "/" not in path or (ROOT / path).is_file(), remedy


def test_it_is_written_over_an_older_one(tmp_path: Path) -> None:
    cards.save_card(tmp_path).write_text("old")
    path = cards.save_card(tmp_path)
    assert path.name == "symptom_card.md"
    assert path.read_text(encoding="utf-8") == cards.card()
