"""Tokens as money, at a price that somebody has assumed and can replace."""

from dataclasses import dataclass
from datetime import date

_TOKENS = 1_000_000


@dataclass(frozen=True)
class Price:
    """What a million output tokens cost, in US dollars, and the day (ISO) that says so.

    Raises ValueError for a price below 0 or a day that is none.
    """

    usd_per_million_tokens: float
    as_of: str

    def __post_init__(self) -> None:
        if self.usd_per_million_tokens < 0:
            raise ValueError(
                f"A price of {self.usd_per_million_tokens} is below 0. Give the dollars that a "
                "million output tokens cost."
            )
        try:
            date.fromisoformat(self.as_of)
        except ValueError:
            raise ValueError(
                f"as_of is {self.as_of!r}. Write the day of the price like 2026-11-24."
            ) from None

    def usd(self, tokens: float) -> float:
        """Return what so many tokens cost, in US dollars."""
        return tokens * self.usd_per_million_tokens / _TOKENS

    def words(self, tokens: float) -> str:
        """Return what so many tokens cost, as people read it.

        No dollar signs: JupyterLab sets what stands between two of them as a formula.
        """
        usd = self.usd(tokens)
        return f"{usd:,.2f} USD" if usd >= 1 else f"{usd:.4f} USD"

    def __str__(self) -> str:
        """State the price, and that it is assumed."""
        return (
            f"{self.usd_per_million_tokens:g} USD per million output tokens "
            f"(assumed, as of {self.as_of})"
        )
