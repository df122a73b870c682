"""A splitter beside a browser: what is shown of it is what it does."""

import pytest

from tests.test_show_code import Shown
from workshop_lib.exercises.lesson04 import events_as_browsers_hear_them, my_events
from workshop_lib.show import table
from workshop_lib.show.splitters import right_cases, show_losses


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    outputs: Shown = []
    monkeypatch.setattr(table, "show", lambda html, text: outputs.append((html, text)))
    return outputs


def test_the_naive_splitter_loses_what_it_is_shown_to_lose(shown: Shown):
    show_losses(my_events, "a comment glued to data", "CRLF ends one line")
    head, *rows = [
        [cell.strip() for cell in line.split(" | ")] for line in shown[0][1].splitlines()
    ]
    assert head == ["case", "chunks", "a browser hears", "the splitter"]
    assert rows == [
        ["a comment glued to data", r"b': ping\ndata: a\n\n'", "['a']", r"[': ping\ndata: a']"],
        ["CRLF ends one line", r"b'data: a\r\ndata: b\r\n\r\n'", r"['a\nb']", "[]"],
        [""],
        ["18 of 89 cases are heard as a browser hears them."],
    ]


def test_a_repaired_splitter_is_right_in_all_cases():
    assert (right_cases(my_events), right_cases(events_as_browsers_hear_them)) == (18, 89)


def test_a_case_that_does_not_exist_is_named(shown: Shown):
    with pytest.raises(ValueError, match=r"called 'emoji'\. Take one of LF ends a line,"):
        show_losses(my_events, "emoji")
    assert not shown


def test_what_comes_from_outside_is_no_html(shown: Shown):
    table.show_table(["a"], [["<b>"]], "x < y")
    assert '<td style="text-align: left">&lt;b&gt;</td>' in shown[0][0]
    assert "<p>x &lt; y</p>" in shown[0][0]
