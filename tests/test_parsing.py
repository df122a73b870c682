"""The judge of parsing: the share of a long answer that one commit goes through."""

from dataclasses import replace

import pytest

from tests.page_runs import a_run
from workshop_lib.parsing import expect_parsing, judge_parsing


@pytest.mark.parametrize(
    ("parsed", "outcome"),
    [
        ((1_000, 51_000, 100_000), "growing"),
        ((1_000, 51_000, 60_000), "growing"),
        ((0, 0, 100_000), "growing"),  # all of it, once, at the end
        ((800, 900, 700), "bounded"),
        ((0, 0, 0), "bounded"),
        ((800, 9_000, 20_000), "unclear"),
    ],
)
def test_what_a_commit_parses_near_the_end_decides(parsed: tuple[int, int, int], outcome: str):
    verdict = judge_parsing(a_run(parsed=parsed))
    assert verdict.outcome == outcome
    assert f"one commit parsed {parsed[-1]:,} of" in verdict.evidence


def test_jumps_between_the_stretches_do_not_count():
    assert max(commit.parsed for commit in a_run().commits) == 90_000
    assert judge_parsing(a_run()).outcome == "bounded"


def test_nothing_is_said_of_an_answer_that_broke_off_or_was_short():
    broken = replace(a_run(), characters=99_500)
    assert "has not come to its end" in judge_parsing(broken).evidence
    without = replace(a_run(), commits=[])
    assert judge_parsing(without).outcome == "unclear"
    short = replace(a_run(), characters=1_000, watched=[(0, 400), (500, 1_000)])
    assert "too short" in judge_parsing(short).evidence


def test_a_pass_is_one_constant_line(capsys: pytest.CaptureFixture[str]):
    expect_parsing(a_run(), "bounded")
    expect_parsing(a_run("per-frame"), "growing")
    passed, failed = capsys.readouterr().out.splitlines()
    assert passed == "PASS blocks: bounded"
    assert failed.startswith("NOT AS EXPECTED per-frame: growing was foretold. Found bounded: near")
