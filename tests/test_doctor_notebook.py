"""The doctor in a notebook: what a learner sees of it, and what is said where it cannot examine."""

import asyncio
from typing import Any

import pytest
from IPython.display import DisplayHandle

from tests.mechanism import nothing_left
from workshop_lib.doctor import notebook
from workshop_lib.doctor.finding import Diagnosis, Finding
from workshop_lib.doctor.notebook import NO_BREAK, examine, examine_mine, expect_verdicts, show_page
from workshop_lib.doctor.probes import PROBES
from workshop_lib.doctor.reports.machine import Report

pytestmark = pytest.mark.measures


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What is displayed, update by update."""
    outputs: list[dict[str, str]] = []

    def keep(self: DisplayHandle, data: dict[str, str], **options: Any) -> None:
        outputs.append(data)

    monkeypatch.setattr(DisplayHandle, "display", keep)
    monkeypatch.setattr(DisplayHandle, "update", keep)
    return outputs


def report(**verdicts: Any) -> Report:
    """Returns a report of some probes, as if there had been an examination."""
    diagnoses = [
        Diagnosis(probe, Finding(verdicts[probe.id], f"it did <b>{probe.id}</b>."), "", 1.0)
        for probe in PROBES
        if probe.id in verdicts
    ]
    return Report("node mine.mjs", "POST /chat", "Express", "quick", True, diagnoses)


def test_an_examination_ends_in_a_table_without_this_machines_folders(
    shown: list[dict[str, str]], tmp_path: Any
) -> None:
    server = tmp_path / "mine.py"
    server.write_text("from servers import common, step1_broken\ncommon.run(step1_broken.chat)\n")
    with nothing_left():
        orders = examine(f"python {server}", only=["cancel_streaming", "proxy_headers"])
        found = asyncio.run(orders)
    assert [one.verdict for one in found.diagnoses] == ["healthy", "sick"]
    told = shown[-1]["text/plain"].replace(NO_BREAK, " ")
    assert told.startswith("python mine.py\n")
    assert "proxy_headers    | ✗ sick    | advice   | X-Accel-Buffering: missing" in told
    assert "proxy_headers: Send `X-Accel-Buffering: no`" in told
    assert str(tmp_path) not in "".join(shown[-1].values())


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (None, "Nothing was examined, for MINE is None. With a command"),
        ("no-such-program", "Could not examine. The program 'no-such-program' cannot be started"),
        ("http://192.0.2.1/chat", "Could not examine. 192.0.2.1 is not this machine"),
        ("http://127.0.0.1:1/chat", "Could not examine. Nobody listens on"),
    ],
)
@pytest.mark.usefixtures("shown")
def test_what_stands_in_the_way_is_a_sentence(
    mine: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with nothing_left():
        assert asyncio.run(examine_mine(mine)) is None
    assert said in capsys.readouterr().out


def test_what_was_foretold_is_held_against_what_was_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    expect_verdicts(report(crowd="healthy", memory="unclear"), crowd="healthy", memory="sick")
    assert capsys.readouterr().out == (
        "PASS crowd: healthy\nNOT AS EXPECTED memory: sick was foretold. Found unclear: "
        "it did <b>memory</b>. Run the cell above again.\n"
    )


def test_the_page_stands_in_a_frame_and_what_a_server_says_is_no_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs: list[str] = []
    monkeypatch.setattr(notebook, "show", lambda html, text: outputs.extend((html, text)))
    show_page(report(crowd="sick"))
    html, text = outputs
    assert html.count("<iframe") == 1 and "<article" not in html and "<b>crowd" not in html
    assert "&lt;article class=&#34;sick&#34;" in html or "&lt;article class=&quot;sick" in html
    assert text == "The page of node mine.mjs: Sick: 1 sick."


@pytest.mark.usefixtures("shown")
def test_an_interrupt_while_its_llm_starts_leaves_nothing() -> None:
    async def interrupted() -> None:
        examining = asyncio.create_task(examine("python -m servers.step1_broken"))
        await asyncio.sleep(0.1)  # its LLM takes longer than that to start
        examining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await examining

    with nothing_left():
        asyncio.run(interrupted())
