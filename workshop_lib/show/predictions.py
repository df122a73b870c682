"""Guesses made before a run, and shown beside its result."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

import re
from html import escape

import ipywidgets

from workshop_lib.show.bundle import show, show_widget
from workshop_lib.show.units import measured

_guesses: dict[str, str] = {}
_NUMBER = re.compile(r"[-+]?\d[\d,_ ]*(?:\.\d+)?")


def predict(name: str, question: str, unit: str = "") -> None:
    """Ask for a guess, which may stay blank; asked again, the field still holds it."""
    field = ipywidgets.Text(
        value=_guesses.get(name, ""),
        placeholder="your guess, or nothing",
        layout={"width": "200px"},
    )

    def keep(change: dict[str, str]) -> None:
        _guesses[name] = change["new"].strip()

    field.observe(keep, names="value")
    asked = ipywidgets.HTML(f"<b>Your guess:</b> {escape(question)}")
    row = ipywidgets.HBox([field, ipywidgets.Label(unit)])
    plain = f"Your guess: {question} ______ {unit}".rstrip()
    show_widget(ipywidgets.VBox([asked, row]), plain)


def compare_prediction(name: str, value: float, unit: str = "") -> None:
    """Show the guess beside what was measured, and by what factor they differ."""
    result = f"{measured(value)} {unit}".strip()
    guess = _guesses.get(name, "")
    if not guess:
        show(f"<b>Measured:</b> {escape(result)}", f"Measured: {result}")
        return
    number = _as_number(guess)
    guessed = f"{measured(number)} {unit}".strip() if number is not None else guess
    ending = _factor(number, value) if number is not None else ""
    show(
        f"<b>You guessed</b> {escape(guessed)}; <b>measured</b> {escape(result + ending)}",
        f"You guessed {guessed}; measured {result}{ending}",
    )


def _as_number(guess: str) -> float | None:
    """Read a guess that is nothing but a number; "10 MB" stays as it was typed."""
    if not _NUMBER.fullmatch(guess):
        return None
    return float(re.sub(r"[,_ ]", "", guess))


def _factor(guess: float, value: float) -> str:
    if guess <= 0 or value <= 0:
        return ""
    factor = max(guess / value, value / guess)
    if factor < 1.1:
        return ": right"
    return f": {measured(factor)} times as {'much' if value > guess else 'little'}"
