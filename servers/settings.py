"""Settings from the environment: read as the app starts, and a bad one is told in a sentence."""

import os


class BadSetting(ValueError):
    """A variable of the environment that does not fit; its text says what would."""


def seconds(name: str, usual: float) -> float:
    """Read a time in seconds, above 0."""
    text = os.environ.get(name) or str(usual)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if 0 < value < float("inf"):
        return value
    raise BadSetting(f"{name} is {text!r}. Set it to seconds, such as {usual:g}.")


def count(name: str, usual: int) -> int:
    """Read a whole number, 1 or more."""
    text = os.environ.get(name) or str(usual)
    if text.isdecimal() and int(text):
        return int(text)
    raise BadSetting(f"{name} is {text!r}. Set it to a whole number above 0, such as {usual}.")


def switch(name: str) -> bool:
    """Read what is off unless it is 1."""
    text = os.environ.get(name) or "0"
    if text in ("0", "1"):
        return text == "1"
    raise BadSetting(f"{name} is {text!r}. Set it to 1 for on, or to 0 for off.")
