"""The table of first tokens, and the wait that is shown twice."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.show_recordings import a_run
from workshop_lib.meter.recording import Recording
from workshop_lib.show import first_tokens
from workshop_lib.show.claims import STORED
from workshop_lib.show.first_tokens import (
    first_token_s,
    produced_at_first_sight,
    show_first_tokens,
    show_wait,
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was shown, as HTML and as text."""
    shown: list[tuple[str, str]] = []
    monkeypatch.setattr(first_tokens, "show", lambda *both: shown.append(both))  # pyright: ignore
    return shown


def stored(name: str) -> Recording:
    return Recording.load(STORED / f"09_{name}.json")


def test_who_gathers_shows_nothing_until_all_is_produced():
    assert produced_at_first_sight(stored("gathered")) == 200
    assert produced_at_first_sight(stored("warm")) < 40
    nothing = replace(a_run(), samples=[])
    assert (produced_at_first_sight(nothing), first_token_s(nothing)) == (0, 0.0)


def test_a_row_says_when_the_first_token_came_and_when_the_last(shown: list[Any]):
    show_first_tokens({"gathered": stored("gathered")})
    (_, text), *_ = shown
    first, produced, last = re.findall(r"[\d.]+", text.splitlines()[1])
    assert float(first) == round(first_token_s(stored("gathered")), 1)
    assert produced == "200"
    assert float(first) <= float(last)


def test_both_boxes_get_their_text_at_the_measured_moment(shown: list[Any]):
    run = stored("cold")
    show_wait(run)
    (page, text), *_ = shown
    assert f"One wait of {first_token_s(run):.1f} s" in text
    share = 100 * first_token_s(run) / (first_token_s(run) + first_tokens.SHOWN_S)
    assert page.count(f"{share:.1f}% {{") == 2
    assert page.count(first_tokens._TEXT) == 2
