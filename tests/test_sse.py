"""SSE readers: the browser's own `EventSource` is the oracle for those in Python and TypeScript."""

import json
import subprocess
from collections import Counter
from itertools import pairwise

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab import browser_page
from tests.sse.oracle import PAGE, ROOT, Oracle
from workshop_lib.pipe.node import node_program
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sse import SseEvent, SseParser
from workshop_lib.pipe.sse_corpus import HandCase, as_text, hand_cases, reading
from workshop_lib.pipe.sse_corpus.random_cases import ENDS, NAMES, PIECES, random_cases

HAND = hand_cases()
# Chromium 156 takes an end of line right behind the BOM for the first letter of the next line.
CHROMIUM_MISREADS = {"a BOM before a blank line"}
WHY_NOT_HTTPX_SSE = {
    "a BOM at the start is removed",
    "a comment after an event with an id is no event",
    "an id without data is no event, and counts for the next",
}

READ = """
import { readFileSync } from 'node:fs'
import { reading } from './tests/sse/read.mjs'
console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(reading)))
"""
STRIP_TYPES = """
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
console.log(stripTypeScriptTypes(readFileSync('react_client/src/sse.ts', 'utf8')))
"""
JUDGE = "([cases, names]) => judge(cases, names)"

LINES = [
    b"data: a\r\n",
    b"data: b\r",
    b"id: 1\r\n",
    b"event: a\n",
    b"retry: 4\r\n",
    b"\r\n",
    b"\n\n",
]
drawn = st.lists(st.sampled_from([*PIECES, *ENDS]) | st.sampled_from(LINES)).map(b"".join)
streams = drawn | st.sampled_from([b"".join(case.chunks) for case in HAND]) | st.binary()


@pytest.fixture(scope="module")
def random() -> list[list[bytes]]:
    return random_cases(3000, seed=9)


def in_node(script: str, given: str = "") -> str:
    """Return what a script prints that Node runs in the project's folder."""
    command = [node_program(), "--no-warnings", "--input-type=module", "--eval", script]
    ended = subprocess.run(
        command, cwd=ROOT, input=given, capture_output=True, text=True, encoding="utf-8"
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def written(cases: list[list[bytes]]) -> list[list[str]]:
    return [[as_text(chunk) for chunk in chunks] for chunks in cases]


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    """Cut a stream anywhere; a chunk may be empty."""
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("case", HAND, ids=lambda case: case.name)
def test_hand_case(case: HandCase):
    assert reading(case.chunks) == case.expected
    assert reading([bytes([byte]) for chunk in case.chunks for byte in chunk]) == case.expected


@given(streams, st.lists(st.integers(0, 10_000)))
@settings(deadline=None, max_examples=1000)
def test_where_a_stream_is_cut_never_matters(whole: bytes, places: list[int]):
    assert reading(cut(whole, places)) == reading([whole])


def test_random_cases_ask_for_everything(random: list[list[bytes]]):
    assert len({case.name for case in HAND}) == len(HAND) >= 40
    assert len({b"".join(chunks) for chunks in random}) > 2500
    assert {len(chunk) for chunks in random for chunk in chunks} == {1, 2, 3, 4, 5, 6}
    readings = [reading(chunks) for chunks in random]
    names = Counter(event["type"] for found in readings for event in found["events"])
    assert min(names[name] for name in NAMES) > 20
    assert names.total() > 4000
    assert sum(found["retryMs"] is not None for found in readings) > 100
    moved = [
        f for f in readings if f["events"] and f["events"][-1]["lastEventId"] != f["lastEventId"]
    ]
    assert len(moved) > 100


def test_the_readers_in_python_and_typescript_agree(random: list[list[bytes]]):
    cases = [case.chunks for case in HAND] + random
    in_typescript = json.loads(in_node(READ, json.dumps(written(cases))))
    for chunks, found in zip(cases, in_typescript, strict=True):
        assert found == reading(chunks), chunks


@pytest.mark.browser
def test_the_browser_hears_the_same(chromium: str, random: list[list[bytes]]):
    judged = [case.chunks for case in HAND if case.name not in CHROMIUM_MISREADS] + random
    named = [event["type"] for case in HAND for event in case.expected["events"]]
    names = sorted({"error", *NAMES, *named})
    oracle = Oracle(judged, in_node(STRIP_TYPES))
    with ServerThread(oracle.app) as server, browser_page(chromium, server.url + PAGE) as page:
        heard = page.evaluate(JUDGE, [written(judged), names])
        assert not server.errors
    for number, chunks in enumerate(judged):
        ours = reading(chunks)
        assert heard["page"][number] == ours, chunks
        assert heard["browser"][number] == ours["events"], chunks
        assert oracle.resumed_at[number] == ours["lastEventId"].strip(" \t"), chunks


def test_an_event_that_does_not_end_is_refused():
    parser = SseParser(longest_event=10)
    assert parser.push(b"data: a\n\ndata: 12345\n") == [SseEvent("message", "a", "")]
    assert parser.push(b"data: 678") == []
    with pytest.raises(ValueError, match=r"more than 10 characters .* sends a blank line"):
        parser.push(b"9\n\n")


def test_a_long_stream_of_short_events_is_not_refused():
    parser = SseParser(longest_event=10)
    assert sum(len(parser.push(b"data: a\n\n")) for _ in range(100)) == 100


def test_a_retry_of_many_digits_is_a_number():
    parser = SseParser()
    parser.push(b"retry: %s\n" % (b"1" * 5000))
    assert parser.retry_ms == float("inf")


def test_httpx_sse_does_not_hear_the_same():
    missed = {case.name for case in HAND if by_httpx_sse(case) != case.expected["events"]}
    assert missed >= WHY_NOT_HTTPX_SSE, "httpx-sse has changed: see whether it can replace ours"


def by_httpx_sse(case: HandCase) -> list[dict[str, str]]:
    headers = {"Content-Type": "text/event-stream"}
    response = httpx.Response(200, headers=headers, content=b"".join(case.chunks))
    return [
        {"type": event.event, "data": event.data, "lastEventId": event.id}
        for event in EventSource(response).iter_sse()
    ]
