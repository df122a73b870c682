"""Who has cost how much: bars of tokens by user, run beside run."""
# pyright: reportUnknownMemberType=false

import io
from collections.abc import Sequence
from html import escape

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workshop_lib.meter.recording import Recording
from workshop_lib.sharing import judge_shares, tokens_by_user
from workshop_lib.show.frame import FAINT, INK, SCALE, WIDTH_PX
from workshop_lib.show.words import caption

HEIGHT_PX = 260
FONT_PT = 8.0
GREEDIEST, OTHERS = "#D55E00", "#0072B2"  # Okabe and Ito's palette


def show_shares(*runs: Recording) -> None:
    """Draw the tokens that the LLM produced for each user, and say what the judge makes of it."""
    words = " ".join(f"{run.setup['server']} is {judge_shares(run)}" for run in runs)
    picture = {"image/png": draw_shares(runs), "text/plain": words}
    display(picture, raw=True, metadata={"image/png": {"width": WIDTH_PX, "alt": words}})
    under = caption(runs[-1].setup | {"server": "step by step"})
    markdown = f"{escape(words)}\n\n<small>{escape(under)}</small>"
    display({"text/markdown": markdown, "text/plain": f"{words}\n{under}"}, raw=True)


def draw_shares(runs: Sequence[Recording]) -> bytes:
    """Draw a panel for each run, a bar for each user."""
    size = (WIDTH_PX / 100, HEIGHT_PX / 100)
    figure = Figure(figsize=size, dpi=100 * SCALE, facecolor="white", layout="constrained")
    panels = figure.subplots(1, len(runs), sharex=True, sharey=True, squeeze=False)[0]
    for axes, run in zip(panels, runs, strict=True):
        _bars(axes, run)
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def _bars(axes: Axes, run: Recording) -> None:
    spent = tokens_by_user(run)
    greediest = max(spent, key=spent.__getitem__)
    colors = [GREEDIEST if user == greediest else OTHERS for user in spent]
    axes.barh(list(spent), list(spent.values()), color=colors, height=0.7)
    for place, tokens in enumerate(spent.values()):
        axes.text(tokens, place, f" {tokens:,}", va="center", fontsize=FONT_PT, color=INK)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("tokens that the LLM produced", fontsize=FONT_PT, color=INK)
    title = run.setup["server"]
    axes.set_title(title, fontsize=FONT_PT + 0.5, color=INK, weight="bold", loc="left")
    axes.tick_params(labelsize=FONT_PT, length=0, labelcolor=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.set_axisbelow(True)
