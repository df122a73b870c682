"""Wrong answers to the two exercises of lesson 11, with what is said of them."""

from collections.abc import Iterable, Iterator
from typing import Any

ALL_RIGHT = {
    1: "outlives-its-reader",
    2: "tee-hoards",
    3: "drain-alone",
    4: "cut-characters",
    5: "compressed",
}


def matched(instead: dict[int, str]) -> str:
    """Returns the right cases with some others in their places."""
    return "\n".join(f"{number}: {case}" for number, case in (ALL_RIGHT | instead).items())


MATCHES: dict[Any, str] = {
    # whatever goes on is the same fault
    matched({3: "outlives-its-reader"}): (
        "4 of 5 are right.\n3: outlives-its-reader is another one. What is counted there: streams "
        "of the LLM that stay open after readers have left."
    ),
    # memory climbs, so somebody leaves something open
    matched({2: "finally-cut-short"}): "2: finally-cut-short is another one.",
    # lumps: the proxy, or a heartbeat
    matched({5: "late-heartbeats"}): "5: late-heartbeats is another one. What is counted there: ",
    matched({4: "failure-as-done", 1: "asked-again"}): "3 of 5 are right.\n1: asked-again is ",
    matched({4: ""}): "4 of 5 are right. Name a case for 4.",
    matched({1: "a leak"}): "No case is called 'a leak'. Take one of tee-hoards, ",
    "6: compressed": "There is no ticket '6'. Begin a line with one of 1 to 5.",
    7: "The check got 7. Give it a text, with a line for each ticket.",
}


def ignores_what_is_cut(reads: Iterable[bytes]) -> Iterator[str]:
    return (read.decode("utf-8", "ignore") for read in reads)


def takes_a_byte_for_a_character(reads: Iterable[bytes]) -> Iterator[str]:
    return (read.decode("latin-1") for read in reads)


def decodes_it_all_at_the_end(reads: Iterable[bytes]) -> Iterator[str]:
    yield b"".join(reads).decode()


def hopes_that_nothing_is_cut(reads: Iterable[bytes]) -> Iterator[str]:
    return (read.decode() for read in reads)


def waits_for_a_read_that_ends_well(reads: Iterable[bytes]) -> Iterator[str]:
    kept = b""
    for read in reads:
        kept += read
        try:
            yield kept.decode()
        except UnicodeDecodeError:
            continue
        kept = b""


def hands_on_the_bytes(reads: Iterable[bytes]) -> Iterator[Any]:
    return iter(reads)


TEXTS: dict[Any, str] = {
    ignores_what_is_cut: "is due: its bytes ",
    takes_a_byte_for_a_character: "comes 'Î\\x9aÎ' where ",
    decodes_it_all_at_the_end: "characters were complete, and 0 had come. Yield what is there",
    hopes_that_nothing_is_cut: "Your function raised UnicodeDecodeError: ",
    waits_for_a_read_that_ends_well: "Yield what is there with each read.",
    hands_on_the_bytes: "Let it yield text.",
    7: "The check got 7. Give it your function by its name, without parentheses.",
}
