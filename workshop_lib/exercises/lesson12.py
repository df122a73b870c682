"""The end-of-course test: five servers to repair, each with a ticket, judged by the doctor."""

from pathlib import Path

from workshop_lib.exercises.checks.closing import judge_servers, link_packages
from workshop_lib.exercises.checks.tickets import FILES, SERVERS
from workshop_lib.exercises.files import FileExercise, Files, read_files, write_missing

FOLDER = "final_test"
# What one repair of each takes out, and what it puts there.
REPAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "support.py": (
        (
            "-> asyncio.Queue[str | None]:\n",
            "-> tuple[asyncio.Queue[str | None], asyncio.Task[None]]:\n",
        ),
        ("    return events\n", "    return events, task\n"),
        ("    events = in_the_background(stream)\n",
         "    events, task = in_the_background(stream)\n    try:\n"),
        (
            "    while (event := await events.get()) is not None:\n"
            '        await response.write(f"data: {event}\\n\\n".encode())\n'
            "        await writer.drain()\n",
            "        while (event := await events.get()) is not None:\n"
            '            await response.write(f"data: {event}\\n\\n".encode())\n'
            "            await writer.drain()\n"
            "    finally:\n"
            "        task.cancel()\n",
        ),
    ),
    "tutor.py": (("= asyncio.Queue()\n", "= asyncio.Queue(16)\n"),),
    "assistant.mjs": (
        ("await once(res, 'drain')",
         "await Promise.race([once(res, 'drain'), once(res, 'close')])"),
    ),
    "translator.py": (
        ("import os\n", "import codecs\nimport os\n"),
        (
            "    async for part in data:\n",
            '    decoder = codecs.getincrementaldecoder("utf-8")("replace")\n'
            "    async for part in data:\n",
        ),
        ('part.decode("utf-8", errors="replace")', "decoder.decode(part)"),
    ),
    "helpdesk.mjs": (("  if (req.acc", "  if (req.path !== '/chat' && req.acc"),),
}  # fmt: skip


def open_tickets(folder: Path | str = FOLDER) -> Files:
    """Return the servers in a folder as they are now; those that are missing are put there."""
    write_missing(Path(folder), FILES)
    link_packages(Path(folder))
    return read_files(Path(folder), list(SERVERS))


def repaired_servers() -> Files:
    """Return the servers of one solution."""
    return tuple((name, changed(text, REPAIRS[name])) for name, text in FILES)


def changed(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    """Make changes to a text. Raises ValueError for one that has no place, or several."""
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands there {text.count(old)} times. Quote more of it.")
        text = text.replace(old, new)
    return text


close_the_tickets = FileExercise(
    name="close_the_tickets",
    task=(
        "Repair the 5 servers in the folder final_test, so that the doctor finds nothing of what "
        "their tickets are about."
    ),
    starter=FILES,
    answer=repaired_servers(),
    hints=(
        "Begin with the lesson of the case that a ticket is like, and look for the same lines in "
        "its server. All but one of the repairs change fewer than 5 lines.",
        "support.py: who ends the task that reads the LLM? tutor.py: how much may wait between "
        "the archive and the student?",
        "assistant.mjs: which event comes when a reader has gone, if it is not `drain`? "
        "translator.py: what is kept of a character whose second half has not come?",
        "helpdesk.mjs: a compressor waits until a block is full. Which answers may wait, and "
        "which may not?",
    ),
    judge=judge_servers,
    variable="my_servers",
    starts_with="my_servers = open_tickets()",
    solved_by=(
        "from workshop_lib.exercises.lesson12 import repaired_servers\n"
        "my_servers = repaired_servers()"
    ),
)
