"""What a learner sees of an examination: lines of signs, a table, findings and a list to choose."""

import re
from typing import Any

import pytest

from workshop_lib.cases import examination
from workshop_lib.cases.case import CASES
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.examination import Examination
from workshop_lib.pipe.hidden_page import Look
from workshop_lib.pipe.witness import Arrival, Visit
from workshop_lib.show import bundle as bundles
from workshop_lib.show import choose, confirm, diagnose
from workshop_lib.show.examination import show_examination
from workshop_lib.show.strip import LONGEST, strip_of, strip_of_looks


def visit(*arrivals: tuple[float, int], **more: Any) -> Visit:
    """Returns an answer whose reads brought so many tokens at these seconds."""
    return Visit("tab 1", arrivals=[Arrival(t, 26 * n or 20, n) for t, n in arrivals], **more)


def test_a_strip_has_a_sign_for_each_tenth_of_a_second() -> None:
    came = visit((0.05, 1), (0.25, 0), (0.45, 2), (0.47, 3), (0.61, 99), ended="complete")
    assert strip_of("browser", came, 0.8) == ("browser", "▁·:·▅·█··", "[DONE]")


def test_a_strip_ends_with_its_answer_or_goes_on_with_the_others() -> None:
    assert strip_of("", visit(ended="cut", ended_s=0.35), 9.0)[1:] == ("····", "✕ cut")
    assert strip_of("", visit(ended="waiting"), 0.5)[1:] == ("······", "no head")
    assert len(strip_of("", visit(ended="open"), 100).marks) == LONGEST


def test_a_pages_strip_shows_when_text_was_added() -> None:
    looks = [Look(n, shown, n, 0, "error: It broke.") for n, shown in enumerate((0, 3, 3, 20))]
    assert strip_of_looks("page", looks) == ("page", "·▃·█", "error")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What is displayed, by MIME type."""
    outputs: list[dict[str, str]] = []
    monkeypatch.setattr(bundles, "display", lambda data, raw: outputs.append(data))
    return outputs


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Examination:
    """A case as if it had been examined, with nobody in the crowd: its browser was cut off."""
    cut = visit((0.1, 1), head_s=0.05, ended="cut", ended_s=0.65)
    whole = visit((0.1, 1), (0.2, 1), head_s=0.05, ended="complete", ended_s=0.3)
    looks = [Look(1, 1, 1, 0, "error: It broke. Send it again.")]
    examined = Examination(CASES["C"], tabs=[cut], direct=whole, looks=looks)
    monkeypatch.setitem(examination._seen, "C", examined)
    return examined


def test_an_examination_reads_the_same_as_html_and_as_text(
    seen: Examination, shown: list[dict[str, str]]
) -> None:
    show_examination(seen)
    (output,) = shown
    for text in output.values():
        assert CASES["C"].complaint in text
        assert "·▁····· ✕ cut" in text
        assert "60 times as fast" in text
    told = output["text/plain"]
    assert re.search(r"browser's answer +1 token in 1 read; it was cut off, 33 s after its", told)
    assert re.search(r"at the server's own port +2 tokens in 2 reads; it was complete", told)
    assert CASES["C"].cause not in told


@pytest.mark.usefixtures("seen")
def test_a_suspicion_gets_a_finding(shown: list[dict[str, str]]) -> None:
    diagnose("C", "idle-limit")
    diagnose("C", "silent-end")
    right, wrong = (output["text/plain"] for output in shown)
    assert right.startswith("idle-limit it is. Measured: the browser's answer was cut off, 33 s ")
    assert wrong.startswith("silent-end is excluded. Measured: the browser's answer was cut off")


@pytest.mark.parametrize(
    ("letter", "cause", "said"),
    [
        ("Q", "idle-limit", "Cases are A, B, C, D, E, F, G, H, I, J. Choose one of them."),
        ("J", "idle-limit", "Case J has not been examined. Run `await examine('J')` first."),
        ("C", "magic", "No cause is called 'magic'. Take one of proxy-gathers, "),
    ],
)
@pytest.mark.usefixtures("seen")
def test_a_question_that_has_no_answer_gets_a_next_step(
    letter: str,
    cause: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    shown: list[dict[str, str]],
) -> None:
    monkeypatch.delitem(examination._seen, "J", raising=False)
    diagnose(letter, cause)
    assert shown[0]["text/plain"].startswith(said)


def test_confirming_names_no_cause_as_long_as_one_fits(
    seen: Examination, capsys: pytest.CaptureFixture[str]
) -> None:
    confirm("C")
    assert capsys.readouterr().out == f"PASS case C: one of {len(CAUSES)} causes fits\n"
    seen.tabs[0].ended = "unfinished"
    confirm("C")
    assert capsys.readouterr().out == (
        "NOT AS EXPECTED case C: one cause was to fit. Found silent-end.\n"
    )


def test_a_choice_from_the_list_is_answered_below_it(
    seen: Examination, monkeypatch: pytest.MonkeyPatch
) -> None:
    widgets: list[Any] = []
    monkeypatch.setattr(
        "workshop_lib.show.diagnosis.show_widget", lambda widget, text: widgets.append(widget)
    )
    choose("C")
    row, said = widgets[0].children
    dropdown = row.children[1]
    assert [name for _, name in dropdown.options] == ["", *CAUSES]
    dropdown.value = "compression"
    assert said.value.startswith("compression is excluded. Measured: the answer&#x27;s head")
    dropdown.value = ""
    assert said.value == ""
