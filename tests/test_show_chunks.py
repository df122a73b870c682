"""The picture of bytes, chunks and events: every byte in it once, every border where it is."""

import re
from html import unescape

import pytest

from tests.test_show_code import Shown
from workshop_lib.pipe.sse_corpus import hand_cases, reading
from workshop_lib.show import chunks as picture
from workshop_lib.show.chunks import cut_by_chance, cut_inside, rows_of, show_chunks

ANSWER = b'data: {"token": "#0.. "}\n\ndata: {"token": "#1.. "}\n\ndata: [DONE]\n\n'


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    outputs: Shown = []
    monkeypatch.setattr(picture, "show", lambda html, text: outputs.append((html, text)))
    return outputs


def test_a_cut_answer_is_whole_and_cut_alike_each_time():
    chunks = cut_by_chance(ANSWER, 5)
    assert b"".join(chunks) == ANSWER
    assert len(chunks) > 2
    assert chunks == cut_by_chance(ANSWER, 5)
    assert chunks != cut_by_chance(ANSWER, 6)


@pytest.mark.parametrize("case", hand_cases(), ids=lambda case: case.name)
def test_every_byte_has_its_place_and_every_event_its_chunk(case):
    rows = rows_of(case.chunks)
    assert [b"".join(piece.data for piece in row.pieces) for row in rows] == case.chunks
    completed = [event for row in rows for event in row.completed]
    assert completed == [*range(1, len(case.expected["events"]) + 1)]
    for number, row in enumerate(rows, 1):
        assert len(reading(case.chunks[:number])["events"]) == len(
            [event for row in rows[:number] for event in row.completed]
        )
        assert all(piece.data for piece in row.pieces)


def test_what_is_drawn_is_what_came(shown: Shown):
    chunks = [ANSWER[:10], ANSWER[10:30], ANSWER[30:52], ANSWER[52:]]
    show_chunks(chunks, "Cut by hand.")
    ((html, text),) = shown
    assert text.splitlines() == [
        "66 bytes in 4 chunks make 3 events; 2 of the chunks end inside an event. Cut by hand.",
        "",
        'chunk  1  1│data: {"to│                  completes nothing',
        'chunk  2  1│ken": "#0.. "}\\n\\n│ 2│data│  completes event 1',
        'chunk  3  2│: {"token": "#1.. "}\\n\\n│    completes event 2',
        "chunk  4  3│data: [DONE]\\n\\n│            completes event 3",
    ]
    body = html.partition('<pre class="workshop-chunks">')[2].removesuffix("</pre>")
    assert unescape(re.sub(r"</?span[^>]*>", "", body)) == "\n".join(text.splitlines()[2:])
    assert len(re.findall(r'<span class="event-2">', body)) == 2


def test_a_character_in_pieces_is_shown_as_bytes(shown: Shown):
    show_chunks(["data: 😀".encode()[:-2], "😀\r\n\r\n".encode()[2:]])
    assert r"1│data: \xf0\x9f│" in shown[0][1]
    assert r"1│\x98\x80\r\n\r│" in shown[0][1]


def test_two_events_in_one_chunk_are_named_both(shown: Shown):
    show_chunks([ANSWER[:52], ANSWER[52:]])
    assert "completes event 1 and 2" in shown[0][1]
    assert cut_inside([ANSWER[:52], ANSWER[52:]]) == 0
    assert cut_inside([ANSWER[:53], ANSWER[53:]]) == 1
    assert cut_inside([b"", ANSWER]) == 0


def test_what_an_answer_holds_is_no_html(shown: Shown):
    show_chunks([b"data: <img src=x>\n\n"], "a < b")
    assert "<img" not in shown[0][0]
    assert "a &lt; b" in shown[0][0]
