"""What the page reports becomes stretches: the commits that were watched, and no others."""

from pathlib import Path

from tests.page_runs import a_report, a_run
from workshop_lib.meter.page_run import PageRun, read_report


def test_a_stretch_has_the_commits_within_it_and_not_the_jump_before():
    first, middle, last = a_run().stretches
    assert [commit.characters for commit in middle.commits] == [50_500, 51_000]
    assert (first.most_parsed, middle.most_parsed, last.most_parsed) == (500, 600, 700)
    assert last.work_ms == 99.75
    assert last.characters == 100_000


def test_what_falls_out_after_the_last_commit_counts_for_the_end():
    assert a_run().dropped_at_the_end == 40 - 9


def test_a_browser_that_does_not_tell_of_long_tasks():
    report = a_report()
    del report["longTasks"]
    assert read_report(report, "a test", [(0, 1)]).long_tasks is None


def test_an_answer_that_did_not_reach_the_end_has_no_end():
    report = a_report() | {"commits": a_report()["commits"][:3]}
    run = read_report(report, "a test", [(0, 1_000), (50_000, 51_000)])
    assert run.stretches[-1].commits == []
    assert run.dropped_at_the_end == 0


def test_a_run_survives_its_file(tmp_path: Path):
    a_run().save(tmp_path / "run.json")
    loaded = PageRun.load(tmp_path / "run.json")
    assert loaded.stretches == a_run().stretches
    assert loaded.dropped_at_the_end == a_run().dropped_at_the_end
    assert (loaded.mode, loaded.long_tasks, loaded.longest_frame_ms) == ("blocks", 2, 123.5)
