"""What answers cost whose connection broke: tokens that came, that never did, and paid twice."""
# pyright: reportUnknownMemberType=false

from matplotlib.figure import Figure

from workshop_lib.meter.recording import Recording
from workshop_lib.returning import judge_return, lost_tokens, paid_twice_tokens
from workshop_lib.show.frame import INK
from workshop_lib.show.picture import (
    CALM,
    FONT_PT,
    STRIKING,
    WAITING,
    panels,
    png_of,
    show_picture,
    style,
)

HEIGHT_PX = 190
PARTS = {
    "came": (CALM, "white"),
    "never came": (WAITING, INK),
    "were produced twice": (STRIKING, "white"),
}


def show_returns(*runs: Recording) -> None:
    """Draw for each run the tokens of its answers, and those that were paid for beyond them."""
    words = " ".join(f"{_name(run)}: {judge_return(run)}" for run in runs)
    show_picture(png_of(_drawn(runs)), words, _conditions(runs[0]))


def _drawn(runs: tuple[Recording, ...]) -> Figure:
    figure, (axes,) = panels(1, HEIGHT_PX)
    names = [f"{judge_return(run).outcome}\n{_name(run)}" for run in runs]
    begin = [0] * len(runs)
    for part, (color, ink) in PARTS.items():
        tokens = [_parts(run)[part] for run in runs]
        bars = axes.barh(names, tokens, left=begin, color=color, label=part, height=0.6)
        said = [f"{count:,}" if count else "" for count in tokens]
        axes.bar_label(bars, said, label_type="center", fontsize=FONT_PT, color=ink)
        begin = [sum(both) for both in zip(begin, tokens, strict=True)]
    style(axes, "Tokens of the answers", "tokens")
    axes.legend(
        fontsize=FONT_PT, frameon=False, ncols=3, loc="upper right", bbox_to_anchor=(1, 1.3)
    )
    return figure


def _parts(run: Recording) -> dict[str, int]:
    wanted, lost = run.setup["answer_tokens"] * len(run.streams), lost_tokens(run)
    return dict(zip(PARTS, (wanted - lost, lost, paid_twice_tokens(run)), strict=True))


def _name(run: Recording) -> str:
    return run.setup["server"]


def _conditions(run: Recording) -> str:
    setup = run.setup
    return (
        f"{len(run.streams)} readers of {setup['answer_tokens']} tokens each, "
        f"at {setup['tokens_per_s']:g} tokens/s."
    )
