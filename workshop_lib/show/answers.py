"""What stands below the page: what each answer cost the LLM, or who answers without a ledger."""

from collections.abc import Mapping, Sequence
from html import escape

from workshop_lib.pipe.chosen_llm import ChosenLLM
from workshop_lib.pipe.fake_llm import StreamRow

ROWS = 6
HEAD = ("answer", "produced by the LLM", "received by the page", "ended")
STYLE = "<style>.workshop-ledger :is(th, td) {padding: 2px 16px 2px 0; text-align: left}</style>"


def ledger_table(rows: Sequence[StreamRow], received: Mapping[int, int]) -> str:
    """Return the last answers as HTML; `received` are the tokens of those the page has reported."""
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    body = "".join(_row(row, received) for row in rows[-ROWS:])
    return f'{STYLE}<div class="workshop-ledger"><table><tr>{head}</tr>{body}</table></div>'


def _row(row: StreamRow, received: Mapping[int, int]) -> str:
    got = received.get(row.id, "")
    cells = (row.id + 1, f"{row.tokens:,} tokens", got, row.ended_by or "not yet")
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def without_ledger(chosen: ChosenLLM) -> str:
    """Say as HTML who answers, and how to see what only the fake LLM tells."""
    return (
        f"<b>{escape(chosen.model)}</b> at {escape(chosen.base_url)} answers: press Send. It keeps "
        "no ledger. To see how many tokens are produced, let the fake LLM answer: start JupyterLab "
        "again with <code>make lab</code>, and OPENAI_BASE_URL unset."
    )
