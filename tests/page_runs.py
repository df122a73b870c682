"""Runs of the page for tests, as its report tells them."""

from typing import Any

from workshop_lib.meter.page_run import PageRun, read_report

WATCHED = [(0, 1_000), (50_000, 51_000), (99_000, 100_000)]


def a_report(mode: str = "blocks", parsed: tuple[int, int, int] = (500, 600, 700)) -> Any:
    """A report with two commits in each stretch, one before it, and the one that ends the answer.

    `parsed` is what the commits of each stretch parse at most.
    """
    commits = [
        commit
        for (begin, end), most in zip(WATCHED, parsed, strict=True)
        for commit in (
            a_commit(begin, 90_000, 0),
            a_commit(begin + 500, most - 1, begin // 10_000),
            a_commit(end, most, begin // 10_000 + 3),
        )
    ]
    return {
        "type": "streaming-run", "mode": mode, "status": "done", "characters": 100_000,
        "tokens": 20_000, "chunks": 900, "commits": commits, "droppedFrames": 40,
        "longestFrameMs": 123.456, "longTasks": 2,
    }  # fmt: skip


def a_commit(characters: int, parsed: int, dropped: int) -> dict[str, float]:
    return {
        "characters": characters, "workMs": characters / 1000, "parsed": parsed,
        "droppedFrames": dropped,
    }  # fmt: skip


def a_run(mode: str = "blocks", parsed: tuple[int, int, int] = (500, 600, 700)) -> PageRun:
    return read_report(a_report(mode, parsed), "a test", WATCHED)
