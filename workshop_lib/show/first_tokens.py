"""How long readers wait: a table of first and last tokens, and one wait shown in two ways."""

from collections.abc import Mapping

from workshop_lib.meter.recording import Recording
from workshop_lib.show.bundle import show
from workshop_lib.show.tables import as_html, as_text

SHOWN_S = 3.0
_LINES = "".join(f'<div class="line" style="width: {share}%"></div>' for share in (92, 78, 85, 40))
_TEXT = "A token that waits anywhere but at the LLM has been paid for, and may never be read."


def first_token_s(recording: Recording) -> float:
    """Return how long the reader that waited longest had waited for its first token."""
    return max((stream.first_token_s or 0.0 for stream in recording.streams), default=0.0)


def produced_at_first_sight(recording: Recording) -> int:
    """Return how many tokens the LLM had produced when a reader was first seen to have one."""
    groups = [sample.group() for sample in recording.samples]
    return next((one.produced_tokens for one in groups if one.received_tokens), 0)


def show_first_tokens(runs: Mapping[str, Recording]) -> None:
    """Show when the first token came and when the last, for runs of one reader."""
    head = ("", "first token after", "produced by then", "last token after")
    rows = [
        (
            name,
            f"{first_token_s(run):.1f} s",
            f"{produced_at_first_sight(run):,} tokens",
            f"{_last_token_s(run):.1f} s",
        )
        for name, run in runs.items()
    ]
    show(as_html(head, rows, (1, 2, 3)), as_text(head, rows, (1, 2, 3)))


def show_wait(recording: Recording) -> None:
    """Show the wait for the first token of a run twice, over and over: as it is, and dressed."""
    wait_s = first_token_s(recording)
    words = (
        f"One wait of {wait_s:.1f} s, measured, in two boxes: until the first token one stays "
        "empty, and the other shows where the text will be. Both get it at the same moment."
    )
    show(_page(wait_s, words), words)


def _last_token_s(recording: Recording) -> float:
    wanted = recording.setup["answer_tokens"] * recording.setup["readers"]
    samples = recording.samples
    came = (sample.t_s for sample in samples if sample.group().received_tokens >= wanted)
    return next(came, samples[-1].t_s)


def _page(wait_s: float, words: str) -> str:
    """Return two cells. What is not trusted loses its style sheet, and shows how both end."""
    whole_s = wait_s + SHOWN_S
    until = 100 * wait_s / whole_s
    grey = "var(--jp-border-color2, #bbb)"
    cell = (
        '<td style="width: 330px; height: 110px; padding: 12px; text-align: left; '
        f'vertical-align: top; border: 1px solid {grey}"><div class="workshop-wait">'
    )
    return f"""<style>
.workshop-wait {{position: relative}}
.workshop-wait .text {{animation: workshop-text {whole_s:.2f}s step-end infinite}}
.workshop-wait .lines {{position: absolute; inset: 0;
  animation: workshop-lines {whole_s:.2f}s step-end infinite}}
.workshop-wait .line {{height: 12px; margin-bottom: 8px; border-radius: 6px; background: {grey};
  animation: workshop-pulse 1.2s ease-in-out infinite alternate}}
@keyframes workshop-text {{0% {{opacity: 0}} {until:.1f}% {{opacity: 1}}}}
@keyframes workshop-lines {{0% {{opacity: 1}} {until:.1f}% {{opacity: 0}}}}
@keyframes workshop-pulse {{from {{opacity: 0.35}} to {{opacity: 0.9}}}}
</style><table><tr>{_head("nothing until it comes")}{_head("a skeleton until it comes")}</tr>
<tr>{cell}<div class="text">{_TEXT}</div></div></td>
{cell}<div class="lines">{_LINES}</div><div class="text">{_TEXT}</div></div></td></tr></table>
<p>{words}</p>"""


def _head(words: str) -> str:
    return f'<th style="text-align: left; padding: 2px 12px">{words}</th>'
