"""Wrong answers to the two exercises of lesson 06, with what is said of them."""

from itertools import pairwise
from typing import Any


def a_higher_limit(looks: list[int]) -> bool:
    return looks[-1] > 1_000_000


def more_than_at_first(looks: list[int]) -> bool:
    return looks[-1] > looks[0] // 2


def more_than_at_the_last_look(looks: list[int]) -> bool:
    return looks[-1] > looks[-2]


def never_less(looks: list[int]) -> bool:
    return all(later >= earlier for earlier, later in pairwise(looks))


def always_more(looks: list[int]) -> bool:
    return all(later > 1.1 * earlier for earlier, later in pairwise(looks))


def answers_with_a_figure(looks: list[int]) -> Any:
    return max(looks)


def raises(looks: list[int]) -> bool:
    return looks["last"] > 0  # type: ignore[call-overload]


ALARMS: dict[Any, str] = {
    a_higher_limit: "It kept silent over a broken server with small events, whose buffer grew",
    more_than_at_first: "It rang for a healthy server, whose mark is 16,384 bytes.",
    more_than_at_the_last_look: "It rang for a healthy server with a reader who takes a little",
    never_less: "It rang for a healthy server, whose mark is",
    always_more: "It kept silent over a broken server, whose buffer grew",
    answers_with_a_figure: "Let it return True or False.",
    raises: "Your function raised TypeError",
    7: "The check got 7. Give it your function, without parentheses.",
}

LOADS: dict[Any, str] = {
    "a": "Who reads at full speed leaves nothing to hoard.",
    "b": "Even the sleepers have room for far more",
    "c": "The sockets take megabytes for each reader",
    "d": "A stream of tokens is a small part of what such a link carries.",
    "f": "The check got 'f'. Give one letter",
}
