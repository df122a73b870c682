"""The chart of what a cut costs: every token in it once, and under the right name."""

from workshop_lib.meter.recording import Recording
from workshop_lib.returning import lost_tokens, paid_twice_tokens
from workshop_lib.show.claims import STORED
from workshop_lib.show.returns import PARTS, _drawn

RUNS = [Recording.load(STORED / f"09_{name}.json") for name in ("cut", "repeated", "resumed")]


def test_a_bar_holds_all_that_was_wanted_and_what_was_paid_twice():
    (axes,) = _drawn(tuple(RUNS)).axes
    bars = {bar.get_label(): bar for bar in axes.containers}
    widths = {part: [bar.get_width() for bar in bars[part]] for part in PARTS}
    assert widths["never came"] == [lost_tokens(run) for run in RUNS] != [0, 0, 0]
    assert widths["were produced twice"] == [paid_twice_tokens(run) for run in RUNS] != [0, 0, 0]
    wanted = [run.setup["answer_tokens"] * len(run.streams) for run in RUNS]
    both = zip(widths["came"], widths["never came"], strict=True)
    assert [sum(parts) for parts in both] == wanted


def test_a_run_is_named_by_its_verdict():
    (axes,) = _drawn(tuple(RUNS)).axes
    names = [label.get_text().splitlines()[0] for label in axes.get_yticklabels()]
    assert names == ["cut", "repeated", "resumed"]
