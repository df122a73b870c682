"""Eight streams of one page: six at once over HTTP/1.1, all over HTTP/2; and how it is told."""

from pathlib import Path

import pytest

from tests.mechanism import nothing_left
from workshop_lib.pipe.eight_streams import HTTP1, HTTP2, Timeline
from workshop_lib.show import timeline
from workshop_lib.show.limits import LIMITS

SIX = Timeline(HTTP1, [0.0] * 8, [10.0] * 6 + [1010.0] * 2, [1000.0] * 6 + [2000.0] * 2, "a test")
EIGHT = Timeline(HTTP2, [0.0] * 8, [10.0] * 8, [1000.0] * 8, "a test")


@pytest.mark.browser
async def test_a_real_browser_opens_six_over_http1_and_eight_over_http2(
    chromium: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WORKSHOP_PACE", "quick")
    with nothing_left():
        over_http1, over_http2 = await timeline._measured(chromium)
    assert (over_http1.protocol, over_http1.at_once) == (HTTP1, 6)
    assert (over_http2.protocol, over_http2.at_once) == (HTTP2, 8)


def test_what_begins_late_is_not_at_once():
    assert (SIX.at_once, EIGHT.at_once) == (6, 8)


def test_a_timeline_is_kept_as_it_was(tmp_path: Path):
    SIX.save(tmp_path / "six.json")
    assert Timeline.load(tmp_path / "six.json") == SIX


def test_the_picture_says_itself(capsys: pytest.CaptureFixture[str]):
    assert timeline.draw_timelines([SIX, EIGHT]).startswith(b"\x89PNG")
    timeline.show_timelines([SIX, EIGHT])
    said = capsys.readouterr().out
    assert (
        "Over HTTP/1.1 6 of 8 streams began at once; 2 waited until one of them was over." in said
    )
    assert "Over HTTP/2 8 of 8 streams began at once; none had to wait." in said
    assert "Seen by a test." in said


async def test_without_a_chromium_stored_runs_are_shown_and_said_to_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(timeline, "find_chromium", lambda: None)
    both = await timeline.open_eight()
    assert [run.at_once for run in both] == [6, 8]
    assert "Seen by a stored run: there is no Chromium here." in capsys.readouterr().out


def test_each_limit_has_a_source_and_a_day():
    for limit in LIMITS:
        assert limit.source.startswith("https://")
        assert limit.read.startswith("2026-")
        assert limit.heartbeat.split()[0].strip(":;,") in ("yes", "no")
