"""The judge of a page: does what a commit parses grow with the answer? Pure; it counts characters.

How long a commit took depends on the machine and on its other work. What it parsed does not.
"""

from workshop_lib.meter.page_run import PageRun
from workshop_lib.verdict import Outcome, Verdict, compare

GROWING_SHARE = 0.5
BOUNDED_SHARE = 0.1
LONG_CHARACTERS = 20_000  # of a shorter answer, its last block alone can be a tenth


def judge_parsing(run: PageRun) -> Verdict:
    """Tell "growing" from "bounded", by what one commit parses near the end of a long answer."""
    begin, *_, end = run.stretches
    if run.characters < LONG_CHARACTERS:
        return Verdict("unclear", "the answer was too short. Let it have more sections.")
    if not begin.commits or not end.commits or run.characters < end.characters:
        return Verdict("unclear", "the answer has not come to its end. Run it again.")
    evidence = (
        f"near the end, at {run.characters:,} characters, one commit parsed {end.most_parsed:,} of "
        f"them; at the beginning, one parsed {begin.most_parsed:,}."
    )
    if end.most_parsed >= GROWING_SHARE * run.characters:
        return Verdict("growing", evidence)
    if end.most_parsed <= BOUNDED_SHARE * run.characters:
        return Verdict("bounded", evidence)
    return Verdict("unclear", evidence)


def expect_parsing(run: PageRun, outcome: Outcome) -> None:
    """Print PASS when a page came out as foretold, as `verdict.expect` does for a server."""
    compare(run.mode, judge_parsing(run), outcome)
