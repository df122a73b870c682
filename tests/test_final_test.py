"""The end-of-course test: its files, its folder, and what the doctor says of wrong repairs."""

import re
from pathlib import Path

import pytest

from tests.wrong_answers import lesson12 as wrong12
from workshop_lib.exercises.checks.closing import judge_servers
from workshop_lib.exercises.checks.tickets import FILES, SERVERS
from workshop_lib.exercises.contract import NotYet
from workshop_lib.exercises.lesson12 import (
    REPAIRS,
    changed,
    close_the_tickets,
    open_tickets,
    repaired_servers,
)
from workshop_lib.field_cases.tickets import TICKETS

pytestmark = pytest.mark.measures


@pytest.mark.parametrize(("name", "text"), FILES, ids=[name for name, _ in FILES])
def test_a_server_is_of_moderate_size_and_stands_alone(name: str, text: str) -> None:
    assert 60 <= len(text.splitlines()) <= 120
    assert "workshop" not in text and "servers" not in text
    assert not re.search(r"(?i)\b(bug|broken|fault|wrong|fixme|todo)\b", text)
    assert "OPENAI_BASE_URL" in text and "PORT" in text


def test_each_ticket_has_a_server_and_each_server_a_repair() -> None:
    assert {server.ticket for server in SERVERS.values()} == set(TICKETS)
    assert set(REPAIRS) == set(SERVERS) == {name for name, _ in FILES}
    assert not set(repaired_servers()) & set(FILES)


def test_the_folder_keeps_what_a_learner_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "final_test"
    assert open_tickets(folder) == FILES
    (folder / "tutor.py").write_text("mine")
    (folder / "support.py").unlink()
    again = dict(open_tickets(folder))
    assert again["tutor.py"] == "mine"
    assert again["support.py"] == dict(FILES)["support.py"]
    assert (folder / "node_modules" / "express").is_dir()


def test_a_repair_that_finds_no_place_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'x' stands there 2 times\. Quote more of it\."):
        changed("x x", (("x", "y"),))


def test_the_solution_shows_what_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    close_the_tickets.solution()
    said = capsys.readouterr().out
    assert all(f"+++ {name}, repaired" in said for name in SERVERS)
    assert said.endswith("my_servers = repaired_servers()\n")


@pytest.mark.long
async def test_every_tempting_repair_gets_the_doctors_evidence() -> None:
    with pytest.raises(NotYet) as found:
        await judge_servers(wrong12.TEMPTING)
    first, *lines = str(found.value).splitlines()
    assert first == "0 of 5 tickets are closed."
    for (ticket, said), line in zip(wrong12.FOUND.items(), lines, strict=True):
        assert re.match(rf"ticket {ticket}, [\w.]+: not yet\. {re.escape(said)}", line), line
        assert line.endswith(".")


@pytest.mark.long
async def test_the_starters_have_the_fault_of_their_tickets() -> None:
    touched = tuple((name, text + "\n") for name, text in FILES)
    with pytest.raises(NotYet) as found:
        await judge_servers(touched)
    _, *lines = str(found.value).splitlines()
    for server, line in zip(SERVERS.values(), lines, strict=True):
        assert f"ticket {server.ticket}, " in line
        assert f": not yet. {server.probes[0]}: " in line
