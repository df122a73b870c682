"""The table of claims: a verdict follows its recording, and says whose run that was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.show_recordings import a_run
from workshop_lib.meter.recording import Recording
from workshop_lib.show.claims import STORED, Claim, show_claims
from workshop_lib.show.tables import as_html, as_text
from workshop_lib.show.tutorial import CLAIMS
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
    assert (stored[0].verdict, stored[0].source) == ("right", "stored")
    own = show_claims([grows("01_hoard")], mine)
    assert (own[0].verdict, own[0].source) == ("wrong here", "yours")


def test_a_table_is_the_same_as_html_and_as_text():
    cells = [("<b>", "1"), ("two", "22")]
    assert "&lt;b&gt;" in as_html(("a", "n"), cells)
    assert as_text(("a", "n"), cells, figures=[1]) == "a     n\n<b>   1\ntwo  22"


def test_every_claim_is_judged_by_a_stored_run_of_its_lesson_or_an_earlier_one():
    for claim in CLAIMS:
        assert claim.says.endswith(".")
        for name in claim.runs:
            assert (STORED / f"{name}.json").exists(), name
            assert name[:2] <= claim.lesson


SPOILT: list[tuple[str, dict[str, Callable[[Recording], Recording]]]] = [
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
]


@pytest.mark.parametrize(("claim", "changed"), SPOILT, ids=[text for text, _ in SPOILT])
def test_another_run_would_turn_the_verdict(claim: str, changed: dict[str, Any]):
    found = next(one for one in CLAIMS if claim in one.says)
    before = show_claims([found])[0]
    spoilt = {name: spoil(stored(name)) for name, spoil in changed.items()}
    after = show_claims([found], spoilt)[0]
    assert {before.verdict, after.verdict} == {found.right, found.wrong}


def test_all_claims_have_been_turned_once():
    assert len(SPOILT) == len(CLAIMS)
    assert all(any(claim in one.says for claim, _ in SPOILT) for one in CLAIMS)


def stored(name: str) -> Recording:
    return Recording.load(STORED / f"{name}.json")


def with_rss(run: Recording, rss_bytes: int) -> Recording:
    return replace(run, samples=[replace(one, rss_bytes=rss_bytes) for one in run.samples])
