"""Who has got how much: bars of tokens by user, run beside run."""
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence

from matplotlib.axes import Axes

from workshop_lib.meter.recording import Recording
from workshop_lib.sharing import judge_shares, tokens_by_user
from workshop_lib.show.frame import INK
from workshop_lib.show.picture import CALM, FONT_PT, STRIKING, panels, png_of, show_picture, style
from workshop_lib.show.words import caption

HEIGHT_PX = 260


def show_shares(*runs: Recording) -> None:
    """Draw the tokens that came to each user, and say what the judge makes of it."""
    words = " ".join(f"{run.setup['server']} is {judge_shares(run)}" for run in runs)
    under = caption(runs[-1].setup | {"server": "as named above each panel"})
    show_picture(draw_shares(runs), words, under)


def draw_shares(runs: Sequence[Recording]) -> bytes:
    """Draw a panel for each run, a bar for each user."""
    figure, axes = panels(len(runs), HEIGHT_PX, sharey=True)
    for panel, run in zip(axes, runs, strict=True):
        _bars(panel, run)
    return png_of(figure)


def _bars(axes: Axes, run: Recording) -> None:
    spent = tokens_by_user(run)
    most = max(spent.values())
    colors = [STRIKING if tokens == most else CALM for tokens in spent.values()]
    axes.barh(list(spent), list(spent.values()), color=colors, height=0.7)
    for place, tokens in enumerate(spent.values()):
        axes.text(tokens, place, f" {tokens:,}", va="center", fontsize=FONT_PT, color=INK)
    axes.margins(x=0.15)
    style(axes, run.setup["server"], "tokens received")
