"""What a fake answer is like: speed, size, rhythm, and what goes wrong with it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple
from urllib.parse import parse_qsl

TEXTS = ("plain", "multibyte", "lines")
REFUSALS = ("rate_limit", "server_error", "unauthorized")
FAULTS = (
    *REFUSALS,  # before the start, with a status code of their own
    "silence_before_headers",
    # from here on at token `fault_at`
    "error_event",
    "cut",
    "early_end",
    "silence",
    "garbage",
    "split",
)


class KnobError(ValueError):
    """A knob that does not exist or does not fit; its text lists what is possible."""


class Range(NamedTuple):
    kind: type[int] | type[float]
    low: float
    high: float


RANGES = {
    "tokens_per_s": Range(float, 0, 1_000_000),
    "answer_tokens": Range(int, 0, 1_000_000),
    "token_bytes": Range(int, 1, 1_048_576),
    "first_token_s": Range(float, 0, 86_400),
    "jitter": Range(float, 0, 1),
    "fault_at": Range(int, 0, 1_000_000),
    "seed": Range(int, 0, 2**32 - 1),
}
CHOICES = {"text": TEXTS, "fault": ("", *FAULTS)}


@dataclass(frozen=True)
class Answer:
    """One answer of the fake LLM.

    `tokens_per_s` 0 is as fast as it can; `token_bytes` is the least a token has; `jitter` is the
    share of the gap between two tokens by which a token may be late; `fault` happens before token
    number `fault_at`. Raises KnobError for a value out of range.
    """

    tokens_per_s: float = 40.0
    answer_tokens: int = 400
    token_bytes: int = 5
    first_token_s: float = 0.0
    jitter: float = 0.0
    text: str = "plain"
    fault: str = ""
    fault_at: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not _fits(name, value):
                raise KnobError(f"The knob {name} cannot be {value!r}. {possible(name)}")
        if self.fault_at > self.answer_tokens:
            raise KnobError(
                f"The fault at token {self.fault_at} would never come in an answer of "
                f"{self.answer_tokens} tokens. Make fault_at smaller or answer_tokens greater."
            )

    def changed(self, knobs: Mapping[str, object]) -> "Answer":
        """Return this answer with some knobs turned; values may be text. Raises KnobError."""
        return replace(self, **{name: _value(name, value) for name, value in knobs.items()})


def read_knobs(query: str) -> dict[str, str]:
    """Read `tokens_per_s=5&fault=cut`, the syntax of a query string. Raises KnobError."""
    if not query:
        return {}
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))
    except ValueError:
        raise KnobError(
            f"Cannot read the knobs {query!r}. Write them like tokens_per_s=5&fault=cut&fault_at=7."
        ) from None


def possible(name: str) -> str:
    """Say in a sentence what a knob may be; for an unknown one, which knobs there are."""
    if name in CHOICES:
        return f"Use one of {', '.join(repr(choice) for choice in CHOICES[name])}."
    if name in RANGES:
        kind, low, high = RANGES[name]
        number = "whole number" if kind is int else "number"
        return f"Use a {number} from {low:g} to {high:,.0f}."
    return f"Use one of {', '.join([*RANGES, *CHOICES])}."


def _fits(name: str, value: float | str) -> bool:
    if name in CHOICES:
        return value in CHOICES[name]
    _, low, high = RANGES[name]
    return isinstance(value, int | float) and math.isfinite(value) and low <= value <= high


def _value(name: str, value: object) -> float | str:
    if name in CHOICES:
        return str(value)
    if name not in RANGES:
        raise KnobError(f"The fake LLM has no knob {name!r}. {possible(name)}")
    try:
        return RANGES[name].kind(str(value))  # by way of text: int(5.5) would cut silently
    except ValueError:
        raise KnobError(f"The knob {name} cannot be {value!r}. {possible(name)}") from None
