"""Are the tickets closed? The doctor examines each server that was changed, a few at once."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workshop_lib.doctor.finding import Diagnosis
from workshop_lib.doctor.notebook import orders_for
from workshop_lib.doctor.orders import carry_out
from workshop_lib.doctor.patient import CannotExamine
from workshop_lib.exercises.checks.tickets import FILES, SERVERS
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.node import install_packages, node_program

AT_ONCE = 2  # each has a probe or two in lanes of their own
UNDECIDED = " decides nothing, it is "
TRACE = "Traceback (most recent call last): / "

_found: dict[tuple[str, str], str] = {}  # what is wrong with a server of this name and text


async def judge_servers(attempt: Any) -> str:
    files = _files(attempt)
    tried = {name: text for name, text in files.items() if (name, text) not in FILES}
    places = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        running = {
            name: group.create_task(_wrong_in(name, text, places)) for name, text in tried.items()
        }
    wrong = {name: task.result() for name, task in running.items()}
    closed = [name for name, found in wrong.items() if not found]
    told = "\n".join(_line(name, wrong.get(name)) for name in sorted(SERVERS, key=_ticket))
    if len(closed) < len(SERVERS):
        raise NotYet(f"{len(closed)} of {len(SERVERS)} tickets are closed.\n{told}")
    return f"All {len(closed)} tickets are closed.\n{told}"


def _line(name: str, wrong: str | None) -> str:
    where = f"ticket {_ticket(name)}, {name}"
    if wrong is None:
        return f"{where}: not tried yet. Open the file and look for what the ticket is about."
    probes = ", ".join(SERVERS[name].probes)
    return f"{where}: not yet. {wrong}" if wrong else f"{where}: correct, healthy by {probes}."


async def _wrong_in(name: str, text: str, places: asyncio.Semaphore) -> str:
    """Return what the doctor finds, as evidence and what to do; nothing for a healthy server."""
    async with places:
        if (found := _found.get((name, text))) is None:
            found = await _examined(name, text)
            if UNDECIDED not in found:  # that one is to be examined again
                _found[name, text] = found
    return found


async def _examined(name: str, text: str) -> str:
    """Examine a copy beside Express's packages; once more if the machine was too busy."""
    with TemporaryDirectory() as folder:
        await asyncio.to_thread(link_packages, Path(folder))
        (Path(folder) / name).write_text(text, "utf-8")
        program = node_program() if name.endswith(".mjs") else sys.executable
        command = [program, str(Path(folder) / name)]
        try:
            found = await _diagnosed(command, name)
            if any(one.verdict == "unclear" for one in found):
                found = await _diagnosed(command, name)
        except CannotExamine as problem:
            return str(problem).replace(TRACE, "").replace(str(folder), "final_test")
    return _first_wrong(found)


def link_packages(folder: Path) -> None:
    """Let servers in a folder find the packages of those in Express."""
    link = folder / "node_modules"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(install_packages() / "node_modules")


async def _diagnosed(command: list[str], name: str) -> list[Diagnosis]:
    report = await carry_out(orders_for(command, only=SERVERS[name].probes), lambda news: None)
    return list(report.diagnoses)


def _first_wrong(found: list[Diagnosis]) -> str:
    for one in found:
        if one.verdict == "sick":
            return f"{one.probe.id}: {one.finding.evidence} {one.remedy}"
        if one.verdict != "healthy":
            verdict = one.verdict.replace("_", " ")
            return f"{one.probe.id}{UNDECIDED}{verdict}: {one.finding.evidence} Check once more."
    return ""


def _ticket(name: str) -> int:
    return SERVERS[name].ticket


def _files(attempt: Any) -> dict[str, str]:
    try:
        files = {str(name): str(text) for name, text in attempt}
    except (TypeError, ValueError):
        raise NotYet(f"The check got {attempt!r}. Give it what open_tickets() returns.") from None
    if missing := [name for name in SERVERS if name not in files]:
        raise NotYet(f"{', '.join(missing)} is missing. open_tickets() puts it back as it was.")
    return {name: files[name] for name in SERVERS}
