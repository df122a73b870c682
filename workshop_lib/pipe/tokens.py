"""Numbered tokens: how the fake LLM writes them and how a reader finds them in any framing.

Token number n is `#n`, padding, and one space. The padding is of dots, or of `…` (three bytes in
UTF-8) where a run wants multi-byte text; a server may send that character escaped as JSON.
"""

import re

ELLIPSIS = "…"
MAX_DIGITS = 12

# Possessive quantifiers: a body that only resembles a token must not cost exponential time.
_PADDING = rb"(?:\.++|(?:\xe2\x80\xa6)++|(?:\\u2026)++)"
_TOKEN = re.compile(rb"#(\d{1,%d})%s*+ " % (MAX_DIGITS, _PADDING))
_PIECE_OF_PADDING = rb"\xe2\x80|\xe2|\\u202|\\u20|\\u2|\\u|\\"
_UNFINISHED = re.compile(
    rb"#(?:(\d{1,%d}+)(%s*+)(%s)?)?\Z" % (MAX_DIGITS, _PADDING, _PIECE_OF_PADDING)
)


def token_text(
    number: int, token_bytes: int = 5, multibyte: bool = False, lines: bool = False
) -> str:
    """Return token `number` in at least `token_bytes` bytes of UTF-8, never with its number cut.

    Multi-byte text holds at least one `…` in each token, so a split can hit any of them. With
    `lines` an empty line follows each token, as after a paragraph.
    """
    if lines:
        return token_text(number, token_bytes, multibyte) + "\n\n"
    missing_bytes = token_bytes - len(f"#{number} ")
    if multibyte:
        return f"#{number}{ELLIPSIS * max(1, -(-missing_bytes // 3))} "
    return f"#{number}{'.' * missing_bytes} "


def mean_token_bytes(first: int, end: int, token_bytes: int = 5) -> float:
    """Return the mean size of the tokens from `first` up to `end`: later numbers are longer."""
    if end <= first:
        return float(token_bytes)
    total, number = 0, first
    while number < end:
        digits = len(str(number))
        upto = min(end, 10**digits)
        total += (upto - number) * max(token_bytes, digits + len("# "))
        number = upto
    return total / (end - first)


class TokenScanner:
    """Finds token numbers in bytes that come in pieces cut anywhere."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> list[int]:
        """Return the numbers of the tokens that `data` completes."""
        data = self._tail + data
        numbers: list[int] = []
        end = 0
        for found in _TOKEN.finditer(data):
            numbers.append(int(found[1]))
            end = found.end()
        self._tail = _shortest_tail(data, end)
        return numbers


def _shortest_tail(data: bytes, start: int) -> bytes:
    """Return what a token cut off at the end of `data` needs to be recognised later.

    Of its padding one unit is enough, so the tail stays short however large the token is.
    """
    last = data.rfind(b"#", start)
    found = _UNFINISHED.match(data, last) if last >= 0 else None
    if not found:
        return b""
    digits, padding, piece = (group or b"" for group in found.groups())
    return b"#" + digits + (b"." if padding else b"") + piece


class TokenOrder:
    """Counts tokens and keeps the first violation of "each token once, in order" in words."""

    def __init__(self) -> None:
        self.tokens = 0
        self.highest_token = -1
        self.violation: str | None = None

    def note(self, number: int) -> None:
        """Take the next token as it arrived; numbers begin at 0."""
        expected = self.highest_token + 1
        if number != expected and self.violation is None:
            # Up to the first violation nothing was missing, so a smaller number came before.
            twice = number < expected
            wrong = "came twice" if twice else f"came where token {expected} was due"
            self.violation = f"token {number} {wrong}"
        self.tokens += 1
        self.highest_token = max(self.highest_token, number)
