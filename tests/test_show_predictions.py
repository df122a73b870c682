"""Predictions: what is said of a guess and a measured value."""

import pytest

from workshop_lib.show import predictions

Shown = list[str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    texts: Shown = []
    monkeypatch.setattr(predictions, "_guesses", {})
    monkeypatch.setattr(predictions, "show", lambda html, text: texts.append(text))
    return texts


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        ("", "Measured: 40 MB"),
        ("10", "You guessed 10 MB; measured 40 MB: 4 times as much"),
        ("1,000", "You guessed 1,000 MB; measured 40 MB: 25 times as little"),
        ("41", "You guessed 41 MB; measured 40 MB: right"),
        ("0", "You guessed 0 MB; measured 40 MB"),
        ("a few GB", "You guessed a few GB; measured 40 MB"),
        ("<b>", "You guessed <b>; measured 40 MB"),
    ],
)
def test_a_guess_beside_the_result(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, guess: str, said: str
):
    monkeypatch.setitem(predictions._guesses, "memory", guess)
    predictions.compare_prediction("memory", 40, "MB")
    assert shown == [said]


def test_what_nobody_was_asked_is_only_measured(shown: Shown):
    predictions.compare_prediction("never asked", 3.25)
    assert shown == ["Measured: 3.25"]
