"""A table of what lies between servers and readers, and what it does to streams."""

from collections.abc import Mapping

from workshop_lib.arriving import judge_arrival, looks_with_news
from workshop_lib.passage import Passage
from workshop_lib.show.bundle import show
from workshop_lib.show.tables import as_html, as_text
from workshop_lib.verdict import judge


def show_passages(passages: Mapping[str, Passage]) -> None:
    """Show both verdicts of each set-up, with the figures that they rest on."""
    head = ("set-up", "in between", "looks with news", "tokens arrive", "produced", "the LLM")
    rows = [(name, passage.name, *_cells(passage)) for name, passage in passages.items()]
    show(as_html(head, rows, (2, 4)), as_text(head, rows, (2, 4)))


def _cells(passage: Passage) -> tuple[str, str, str, str]:
    news, looks = looks_with_news(passage.small)
    end = passage.large.samples[-1].group()
    due = passage.large.setup["tokens_per_s"] * passage.large.samples[-1].t_s * end.readers
    return (
        f"{news} of {looks}",
        judge_arrival(passage.small).outcome,
        f"{end.produced_tokens:,} of {due:,.0f}",
        {"bounded": "stopped", "growing": "went on"}.get(judge(passage.large).outcome, "?"),
    )
