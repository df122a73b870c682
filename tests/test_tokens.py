"""Numbered tokens are found in any framing, however the bytes are cut."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.pipe.tokens import TokenOrder, TokenScanner, mean_token_bytes, token_text


def sse(texts: list[str], ascii_only: bool) -> bytes:
    events = (json.dumps({"token": text}, ensure_ascii=ascii_only) for text in texts)
    return "".join(f"data: {event}\n\n" for event in events).encode()


def ndjson(texts: list[str], ascii_only: bool) -> bytes:
    return "".join(json.dumps([0, text], ensure_ascii=ascii_only) + "\n" for text in texts).encode()


def plain(texts: list[str], ascii_only: bool) -> bytes:
    return "".join(texts).encode()


def cut(body: bytes, largest: int, seed: int) -> list[bytes]:
    """Cut `body` into pieces of 1 to `largest` bytes."""
    rng = random.Random(seed)
    pieces: list[bytes] = []
    while body:
        size = rng.randint(1, largest)
        pieces.append(body[:size])
        body = body[size:]
    return pieces


def scan(pieces: list[bytes]) -> list[int]:
    scanner = TokenScanner()
    return [number for piece in pieces for number in scanner.feed(piece)]


@pytest.mark.parametrize(
    ("number", "token_bytes", "text"),
    [(0, 5, "#0.. "), (12, 5, "#12. "), (123, 5, "#123 "), (1234, 5, "#1234 "), (7, 0, "#7 ")],
)
def test_a_token_is_padded_and_its_number_is_never_cut(number: int, token_bytes: int, text: str):
    assert token_text(number, token_bytes) == text


@pytest.mark.parametrize("token_bytes", [0, 5, 6, 7, 32, 8192])
def test_multibyte_tokens_hold_a_multibyte_character_and_reach_their_size(token_bytes: int):
    text = token_text(41, token_bytes, multibyte=True)
    assert "…" in text
    assert token_bytes <= len(text.encode()) < max(token_bytes + 3, len("#41… ".encode()) + 1)


@pytest.mark.parametrize("framing", [sse, ndjson, plain])
@pytest.mark.parametrize("multibyte", [False, True])
@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("largest", [1, 2, 7, 300])
def test_every_token_is_found_once_in_any_framing(framing, multibyte, ascii_only, largest: int):
    texts = [token_text(number, 16, multibyte) for number in range(120)]
    body = framing(texts, ascii_only)
    assert scan(cut(body, largest, seed=largest)) == list(range(120))


def test_a_token_counts_only_with_its_last_byte():
    scanner = TokenScanner()
    assert scanner.feed(b"#12...") == []
    assert scanner.feed(b"..") == []
    assert scanner.feed(b" ") == [12]


def test_digits_after_padding_are_not_taken_for_more_of_the_number():
    assert scan([b"#12..", b"3 #4", b"5 "]) == [45]


def test_text_that_only_resembles_tokens_is_passed_over():
    assert scan([b"# 1 #a #1- ##2 #", b"# #", b"3 colour #fff #\\u20 #9\\u2026x "]) == [2, 3]


def test_what_is_kept_between_pieces_stays_short_however_large_the_token():
    scanner = TokenScanner()
    scanner.feed(b"#7")
    for _ in range(1000):
        scanner.feed(b"." * 4096)
    kept_bytes = len(scanner._tail)
    assert scanner.feed(b" ") == [7]
    assert kept_bytes < 20


@pytest.mark.parametrize(
    ("numbers", "violation"),
    [
        ([0, 1, 2, 3], None),
        ([], None),
        ([0, 1, 1, 2], "token 1 came twice"),
        ([0, 1, 3, 2], "token 3 came where token 2 was due"),
        ([1, 2], "token 1 came where token 0 was due"),
    ],
)
def test_the_first_violation_of_the_order_is_told(numbers: list[int], violation: str | None):
    order = TokenOrder()
    for number in numbers:
        order.note(number)
    assert order.violation == violation
    assert order.tokens == len(numbers)
    assert order.highest_token == max(numbers, default=-1)


@given(st.integers(0, 30_000), st.integers(1, 3000), st.integers(1, 12))
def test_the_mean_size_of_tokens_is_that_of_their_texts(first: int, number: int, token_bytes: int):
    sizes = [len(token_text(n, token_bytes)) for n in range(first, first + number)]
    assert mean_token_bytes(first, first + number, token_bytes) == pytest.approx(
        sum(sizes) / number
    )
