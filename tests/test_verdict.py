"""The verdict: each way to say it, and what it must never say."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.meter.recording import Gauges, Recording, Sample
from workshop_lib.verdict import FEWEST_SAMPLES, SLACK_TOKENS_PER_READER, expect, judge

READERS = 10
SETUP: dict[str, Any] = {
    "server": "step9",
    "mix": {"stalled": READERS, "steady": 1},
    "tokens_per_s": 30.0,
    "token_bytes": 5,
    "high_water_bytes": 0,
}
EVENT_BYTES = 32


def gauges(
    produced: int,
    received: int = 0,
    queued: int = 0,
    llm: int = 0,
    buffered_bytes: int = 0,
) -> Gauges:
    """Place tokens: those that are nowhere else are on their way down."""
    down = produced - received - queued - llm
    return Gauges(
        readers=READERS,
        open=READERS,
        produced_tokens=produced,
        llm_tokens=llm,
        queued_tokens=queued,
        queued_bytes=queued * EVENT_BYTES,
        write_buffer_bytes=buffered_bytes,
        kernel_bytes=down * EVENT_BYTES - buffered_bytes,
        downstream_tokens=down,
        received_tokens=received,
        received_bytes=received * EVENT_BYTES,
    )


def unseen(seen: Gauges) -> Gauges:
    dark = dict.fromkeys(
        ("llm_tokens", "queued_tokens", "queued_bytes", "kernel_bytes", "downstream_tokens")
    )
    return replace(seen, **dark)


def run(*thirds: Gauges, seconds: float = 12.0, samples: int = 31, **setup: Any) -> Recording:
    """Make a recording that passes through four moments, with a healthy reader beside them."""
    steps = samples // 3
    held = [thirds[min(3, at // steps)] for at in range(samples)]
    healthy = replace(gauges(10**6, received=10**6), readers=1, open=1)
    return Recording(
        SETUP | setup,
        [
            Sample(seconds * at / (samples - 1), {"stalled": now, "steady": healthy})
            for at, now in enumerate(held)
        ],
    )


# 30 tokens a second for 10 readers, 4 s a third
FULL_SPEED = (0, 1200, 2400, 3600)
KERNEL_TAKES = 1000

GROWING = [gauges(n, queued=max(0, n - KERNEL_TAKES)) for n in FULL_SPEED]
TAKEN = [gauges(n) for n in FULL_SPEED]
STOPPED = [gauges(n, llm=max(0, n - 600)) for n in (0, 1100, 1600, 1610)]
SLOWED = [gauges(n, received=n - 300 if n else 0) for n in (0, 1200, 1500, 1800)]
KEPT_UP = [gauges(n, received=n) for n in FULL_SPEED]
BUFFERED = [gauges(n, buffered_bytes=max(0, n - KERNEL_TAKES) * EVENT_BYTES) for n in FULL_SPEED]
# between two moments the SDK may take one block off its socket for each reader
READ_AHEAD = [gauges(n, queued=q) for n, q in zip(FULL_SPEED, (0, 40, 90, 1500), strict=True)]
NOTHING = [gauges(0)] * 4
ENDED = [replace(gauges(n), open=0) for n in (500, 1000, 1000, 1000)]


@pytest.mark.parametrize(
    ("recording", "outcome", "evidence"),
    [
        pytest.param(
            run(*GROWING),
            "growing",
            "in the last third the LLM produced 1,200 tokens for 10 slow readers, and the server's "
            "own queues grew by 1,200, to 2,600 tokens (83,200 bytes on the wire).",
            id="queues grow",
        ),
        pytest.param(
            run(*BUFFERED),
            "growing",
            "in the last third the LLM produced 1,200 tokens for 10 slow readers, and the server's "
            "write buffers grew by 1,200 tokens, to 83,200 bytes.",
            id="write buffers grow",
        ),
        pytest.param(
            run(*BUFFERED, high_water_bytes=None),
            "unclear",
            "the LLM produced 1,200 tokens in the last third, and the sockets and the SDK "
            "still had room for them; the server's own queues hold 0 tokens and its write buffers "
            "83,200 bytes. Make the "
            "socket buffers smaller, or the run longer.",
            id="write buffers grow, below the mark at which they wait",
        ),
        pytest.param(
            run(*STOPPED),
            "bounded",
            "the LLM was made to stop for 10 slow readers: 10 tokens in the last third after 1,100 "
            "in the first; the server's own queues hold 0 tokens and its write buffers 0 bytes.",
            id="stopped",
        ),
        pytest.param(
            run(*STOPPED, tokens_per_s=0),
            "bounded",
            "the LLM was made to stop for 10 slow readers: 10 tokens in the last third after 1,100 "
            "in the first; the server's own queues hold 0 tokens and its write buffers 0 bytes.",
            id="stopped, though as fast as it can",
        ),
        pytest.param(
            run(*SLOWED),
            "bounded",
            "the LLM was slowed to its readers' pace for 10 slow readers: 300 tokens in the last "
            "third after 1,200 in the first; the server's own queues hold 0 tokens and its write "
            "buffers 0 bytes.",
            id="slowed",
        ),
        pytest.param(
            run(*KEPT_UP),
            "unclear",
            "the readers kept up with the LLM. Let some of them stall.",
            id="kept up",
        ),
        pytest.param(
            run(*TAKEN),
            "unclear",
            "the LLM produced 1,200 tokens in the last third, and the sockets and the SDK "
            "still had room for them; the server's own queues hold 0 tokens and its write "
            "buffers 0 bytes. Make the socket "
            "buffers smaller, or the run longer.",
            id="the sockets took it all",
        ),
        pytest.param(
            run(*READ_AHEAD),
            "unclear",
            "the LLM produced 1,200 tokens in the last third, and the sockets and the SDK "
            "still had room for them; the server's own queues hold 1,500 tokens and its write "
            "buffers 0 bytes. Make the socket buffers smaller, or the run longer.",
            id="the SDK has read ahead",
        ),
        pytest.param(
            run(*ENDED),
            "unclear",
            "10 of 10 answers came to an end. Make them longer.",
            id="the answers came to an end",
        ),
        pytest.param(
            run(*STOPPED[:3], replace(STOPPED[3], open=READERS - 1)),
            "unclear",
            "1 of 10 answers came to an end. Make them longer.",
            id="one answer came to an end",
        ),
        pytest.param(
            run(*STOPPED, samples=FEWEST_SAMPLES - 1),
            "unclear",
            "the run was too short. Let it last longer.",
            id="too short",
        ),
        pytest.param(
            run(*[gauges(n) for n in (10, 20, 30, 40)], tokens_per_s=0.25),
            "unclear",
            "the LLM had few tokens to produce for 10 slow readers: 10 tokens in the last third "
            "after 10 in the first. Make the run longer.",
            id="too slow an LLM",
        ),
        pytest.param(
            run(*NOTHING),
            "unclear",
            "the LLM produced no token. See whether the server asks it.",
            id="nothing produced",
        ),
        pytest.param(
            run(*STOPPED, mix={"steady": READERS}),
            "unclear",
            "every reader kept up. Add readers that stall.",
            id="no slow readers",
        ),
        pytest.param(
            replace(run(*STOPPED), errors=["LookupError: no such table", "and more"]),
            "unclear",
            "the server failed: LookupError: no such table. Repair that first.",
            id="errors",
        ),
        pytest.param(
            replace(run(*GROWING), errors=["The model failed. Try again."]),
            "unclear",
            "the server failed: The model failed. Try again. Repair that first.",
            id="an error that is a sentence",
        ),
        pytest.param(
            replace(run(*NOTHING), complaints=["reader 0: nobody listens on 127.0.0.1:1"]),
            "unclear",
            "no token came through: reader 0: nobody listens on 127.0.0.1:1.",
            id="complaints",
        ),
        pytest.param(
            run(*map(unseen, GROWING)),
            "unclear",
            "this system does not show the kernel's queues. Run it on Linux or macOS.",
            id="growing, unseen",
        ),
        pytest.param(
            run(*map(unseen, STOPPED)),
            "bounded",
            "the LLM was made to stop for 10 slow readers: 10 tokens in the last third after 1,100 "
            "in the first; what the server holds cannot be seen here.",
            id="stopped, unseen",
        ),
        pytest.param(
            run(*[replace(one, write_buffer_bytes=None) for one in STOPPED]),
            "bounded",
            "the LLM was made to stop for 10 slow readers: 10 tokens in the last third after 1,100 "
            "in the first; the server's queues and buffers hold 0 tokens.",
            id="stopped, in a process of another language",
        ),
    ],
)
def test_each_outcome_with_its_evidence(recording: Recording, outcome: str, evidence: str):
    verdict = judge(recording)
    assert (verdict.outcome, verdict.evidence) == (outcome, evidence)
    assert str(verdict) == f"{outcome}: {evidence}"


def test_a_healthy_reader_has_no_say():
    for thirds, outcome in ((GROWING, "growing"), (STOPPED, "bounded")):
        recording = run(*thirds)
        for at, sample in enumerate(recording.samples):
            sample.habits["steady"] = replace(gauges(1000 * at, queued=500 * at), readers=1, open=1)
        assert judge(recording).outcome == outcome


counts = st.integers(0, 10**6)


@st.composite
def anywhere(draw: st.DrawFn, produced: list[int]) -> list[Gauges]:
    """Put the tokens produced so far anywhere along the pipe."""
    placed: list[Gauges] = []
    for total in produced:
        cuts = sorted(draw(st.lists(st.integers(0, total), min_size=3, max_size=3)))
        received, queued, llm = cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1]
        buffered = draw(st.integers(0, (total - cuts[2]) * EVENT_BYTES))
        placed.append(gauges(total, received, queued, llm, buffered))
    return placed


@given(
    st.data(),
    st.floats(0.01, 1000),
    st.floats(1, 120),
    st.booleans(),
    st.sampled_from([0, 4096, None]),
)
def test_never_bounded_while_the_llm_goes_on_at_full_speed(
    data: st.DataObject, tokens_per_s: float, seconds: float, dark: bool, mark: int | None
):
    produced = [READERS * (1 + int(tokens_per_s * seconds * part / 3)) for part in range(4)]
    thirds = data.draw(anywhere(produced))
    if dark:
        thirds = [unseen(one) for one in thirds]
    recording = run(*thirds, seconds=seconds, tokens_per_s=tokens_per_s, high_water_bytes=mark)
    assert judge(recording).outcome != "bounded"


@given(st.data(), st.lists(counts, min_size=4, max_size=4).map(sorted))
def test_never_growing_while_the_servers_queues_do_not(data: st.DataObject, produced: list[int]):
    thirds = data.draw(anywhere(produced))
    second, end = thirds[2], thirds[3]
    verdict = judge(run(*thirds))
    grew = (end.queued_tokens or 0) > (second.queued_tokens or 0)
    buffers_grew = (end.write_buffer_bytes or 0) > (second.write_buffer_bytes or 0)
    if verdict.outcome == "growing":
        assert grew or buffers_grew
        assert ("queues grew" in verdict.evidence and grew) or "buffers grew" in verdict.evidence


@given(st.data(), st.lists(counts, min_size=4, max_size=4).map(sorted), st.booleans())
def test_the_evidence_is_a_sentence_with_the_figures(
    data: st.DataObject, produced: list[int], dark: bool
):
    thirds = data.draw(anywhere(produced))
    recording = run(*(unseen(one) if dark else one for one in thirds))
    before = repr(recording)
    verdict = judge(recording)
    assert verdict.evidence.endswith(".")
    lately = f"{thirds[3].produced_tokens - thirds[2].produced_tokens:,} tokens"
    if verdict.outcome != "unclear":
        assert lately in verdict.evidence
        assert "10 slow readers" in verdict.evidence
    assert repr(recording) == before  # the judge is pure


@given(st.integers(0, SLACK_TOKENS_PER_READER * READERS))
def test_what_sits_in_hands_is_no_hoard(queued: int):
    """A few tokens a reader come and go in an SDK's hands."""
    thirds = [gauges(n, received=n - queued if n else 0, queued=queued) for n in FULL_SPEED[1:]]
    assert judge(run(KEPT_UP[0], *thirds)).outcome != "growing"


def test_a_lesson_prints_a_line_that_can_be_compared(capsys: pytest.CaptureFixture[str]):
    expect(run(*GROWING), "growing")
    assert capsys.readouterr().out == "PASS step9: growing\n"
    expect(run(*STOPPED), "growing")
    out = capsys.readouterr().out
    assert re.match(r"NOT AS EXPECTED step9: growing was foretold\. Found bounded: .*\.\n", out)


def test_behind_a_link_an_llm_whose_sockets_stay_full_was_slowed():
    """From the start the LLM went at the link's pace: there is no faster third to compare with."""
    even = [gauges(n, received=max(0, n - 300), llm=200 if n else 0) for n in (0, 400, 800, 1200)]
    keeps_up = [replace(one, llm_tokens=0) for one in even]
    assert judge(run(*even, link={"bytes_per_s": 1, "round_trip_s": 0})).outcome == "bounded"
    assert judge(run(*keeps_up, link={"bytes_per_s": 1, "round_trip_s": 0})).outcome == "unclear"
