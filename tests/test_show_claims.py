"""The table of claims: a verdict follows its recording, and says whose run that was."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from tests.show_recordings import a_run
from workshop_lib.cases.case import CASES
from workshop_lib.meter.page_run import PageRun
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.eight_streams import Timeline
from workshop_lib.show import splitters
from workshop_lib.show.claims import (
    READ,
    STORED,
    Cited,
    Claim,
    _stored,  # pyright: ignore[reportPrivateUsage]
    show_claims,
)
from workshop_lib.show.limits import LIMITS
from workshop_lib.show.tables import as_html, as_text
from workshop_lib.show.tutorial import ALL_CLAIMS, CLAIMS, limits, page, way
from workshop_lib.verdict import judge


def grows(name: str) -> Claim:
    return Claim(
        "01",
        "It grows.",
        (name,),
        lambda runs: judge(runs[name]).outcome == "growing",
        lambda runs: f"{len(runs[name].samples)} samples",
        wrong="wrong here",
    )


def test_the_verdict_follows_the_run():
    mine = {"mine": a_run(), "waits": a_run(hoards=False)}
    rows = show_claims([grows("mine"), grows("waits")], mine)
    assert [str(row) for row in rows] == ["right: It grows.", "wrong here: It grows."]
    assert rows[0].figure == "151 samples"


def test_a_run_of_ones_own_comes_before_the_stored_one():
    stored, mine = show_claims([grows("01_hoard")]), {"01_hoard": a_run(hoards=False)}
    assert (stored[0].verdict, stored[0].source) == ("right", "01_hoard (stored)")
    own = show_claims([grows("01_hoard")], mine)
    assert (own[0].verdict, own[0].source) == ("wrong here", "01_hoard (yours)")


def test_a_table_is_the_same_as_html_and_as_text():
    cells = [("<b>", "1"), ("two", "22")]
    assert "&lt;b&gt;" in as_html(("a", "n"), cells)
    assert as_text(("a", "n"), cells, figures=[1]) == "a     n\n<b>   1\ntwo  22"


def test_every_claim_is_judged_by_a_stored_run_of_its_lesson_or_an_earlier_one():
    for claim in ALL_CLAIMS:
        assert claim.says.endswith(".")
        for name in claim.runs if isinstance(claim, Claim) else ():
            assert (STORED / f"{name}.json").exists(), name
            assert name[:2] <= claim.lesson


def test_the_finished_table_begins_with_that_of_lesson_06():
    assert set(CLAIMS) < set(ALL_CLAIMS)
    numbers = [claim.lesson for claim in ALL_CLAIMS]
    assert numbers == sorted(numbers)
    assert len({claim.says for claim in ALL_CLAIMS}) == len(ALL_CLAIMS)


def test_what_is_cited_says_where_and_when_it_was_read():
    (row,) = show_claims([Cited("09", "It is so.", "so they say", "a page", "https://a.example")])
    assert row.source == f"https://a.example ({READ})"
    assert all(claim.source for claim in ALL_CLAIMS if isinstance(claim, Cited))


CITED_LESSONS = {
    "The hook tells its user": ("04", "compare-told", "Measured: 0 of four"),
    "Compression gathers": ("07", "run-compressed", "app, a reader who accepts gzip: in lumps"),
}


@pytest.mark.parametrize("says", CITED_LESSONS)
def test_what_is_cited_from_a_lesson_stands_there(says: str):
    assert any(says in claim.says for claim in ALL_CLAIMS if isinstance(claim, Cited))
    number, cell, words = CITED_LESSONS[says]
    (lesson,) = STORED.parent.glob(f"{number}_*.ipynb")
    (found,) = (one for one in json.loads(lesson.read_text())["cells"] if one["id"] == cell)
    assert words in json.dumps(found["outputs"])


SPOILT: list[tuple[str, dict[str, Callable[[Any], Any]]]] = [
    ("What the socket does not take", {"01_hoard": lambda _: a_run(hoards=False)}),
    ("The bytes that wait", {"01_hoard": lambda run: with_rss(run, 1_000_000)}),
    ("Waiting for the socket keeps it flat", {"02_fixed": lambda _: a_run()}),
    ("The pause travels back", {"02_fixed": lambda _: a_run()}),
    ("Waiting for the socket is all it takes", {"03_forgets": lambda _: a_run()}),
    ("the request's 'close'", {"03_request_close": lambda _: a_run()}),
    ("A filter for 'AbortError'", {"03_request_close": lambda run: replace(run, printed="")}),
    ("On Slow 3G", {"06_small": lambda _: stored("06_felt")}),
    ("autocannon", {"06_load": lambda run: replace(run, printed="writableLength 999999\n")}),
    ("one client in five", {"06_load": lambda _: a_run()}),
    ("above 64 KB", {"06_healthy": lambda run: replace(run, printed="writableLength 16400\n")}),
    ("Five minutes under load", {"06_soaked": lambda _: a_run()}),
    ("50 tokens a second", {"05_per-token": lambda run: with_commits(run, 20)}),
    ("Batching, once in a frame", {"05_per-frame": lambda _: page_run("plain")}),
    ("Parsing the Markdown again", {"05_per-token": lambda _: page_run("plain")}),
    ("Markdown at the end", {"05_at-end": lambda _: page_run("plain")}),
    ("Behind nginx", {"07_buffered": lambda _: stored("07_unbuffered")}),
    ("It takes both", {"07_unbuffered": lambda _: stored("07_buffered")}),
    ("Over HTTP/1.1", {"07_over_http1": lambda _: timeline("http2")}),
    ("HTTP/2 lifts", {"07_over_http2": lambda _: timeline("http1")}),
    ("your bill", {"07_metered": lambda _: stored("07_generous")}),
    ("forgets to await", {"06_broken": lambda _: stored("06_healthy")}),
    ("the abort does not reach", {"03_forgets": lambda _: stored("03_stops")}),
    ("reconnection built in", {"09_cut": lambda _: stored("09_resumed")}),
    ("ids and a replay", {"09_resumed": lambda _: stored("09_repeated")}),
    ("It is one-way", {"09_by_request": lambda _: stored("09_unheard")}),
    ("a cold start", {"09_cold": lambda _: stored("09_warm")}),
]


@pytest.mark.parametrize(("claim", "changed"), SPOILT, ids=[text for text, _ in SPOILT])
def test_another_run_would_turn_the_verdict(claim: str, changed: dict[str, Any]):
    found = next(one for one in ALL_CLAIMS if claim in one.says)
    assert isinstance(found, Claim)
    before = show_claims([found])[0]
    spoilt = {name: spoil(_stored(name)) for name, spoil in changed.items()}
    after = show_claims([found], spoilt)[0]
    assert {before.verdict, after.verdict} == {found.right, found.wrong}


TURNED: list[tuple[str, object, str, object]] = [
    ("blank line", page, "hand_cases", lambda: [Case("one event", [b"data: a\n\n"])]),
    ("Parsers ignore comments", way, "_is_read_right", lambda _: False),
    ("A comment every 15 s", way, "LIMITS", LIMITS[:2]),
    ("99 of 100", way, "CASES", {"A": CASES["A"]}),
    ("through HTTP/2", limits, "_speaks_http2", lambda: True),
]


@pytest.mark.parametrize(
    ("claim", "where", "name", "instead"), TURNED, ids=[text for text, *_ in TURNED]
)
def test_what_needs_no_run_can_be_turned_as_well(
    claim: str, where: object, name: str, instead: object, monkeypatch: pytest.MonkeyPatch
):
    found = next(one for one in ALL_CLAIMS if claim in one.says)
    assert isinstance(found, Claim)
    before = show_claims([found])[0]
    monkeypatch.setattr(where, name, instead)
    if where is page:
        monkeypatch.setattr(splitters, name, instead)
    after = show_claims([found])[0]
    assert {before.verdict, after.verdict} == {found.right, found.wrong}
    assert (before.source, after.source) == (found.by, found.by)


def test_all_claims_have_been_turned_once():
    turned = [text for text, *_ in [*SPOILT, *TURNED]]
    judged = [one for one in ALL_CLAIMS if isinstance(one, Claim)]
    assert len(turned) == len(judged)
    assert all(any(text in one.says for text in turned) for one in judged)


class Case(NamedTuple):
    """A stream with one event, which any splitter hears."""

    name: str
    chunks: list[bytes]
    expected: dict[str, Any] = {"events": [{"data": "a"}]}  # noqa: RUF012 (it is not changed)


def page_run(mode: str) -> PageRun:
    return PageRun.load(STORED / f"05_{mode}.json")


def with_commits(run: PageRun, times: int) -> PageRun:
    return replace(run, commits=[one for one in run.commits for _ in range(times)])


def timeline(protocol: str) -> Timeline:
    return Timeline.load(STORED / f"07_over_{protocol}.json")


def stored(name: str) -> Recording:
    return Recording.load(STORED / f"{name}.json")


def with_rss(run: Recording, rss_bytes: int) -> Recording:
    return replace(run, samples=[replace(one, rss_bytes=rss_bytes) for one in run.samples])
