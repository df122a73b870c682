"""Wrong answers to the test of lesson 12, with what is said of them."""

from typing import Any

from workshop_lib.exercises.checks.tickets import FILES
from workshop_lib.exercises.files import Files
from workshop_lib.exercises.lesson12 import changed


def servers(**changes: tuple[str, str]) -> Files:
    """Returns the five files with one change in some, by their names without an ending."""
    by_name = {name.partition(".")[0]: name for name, _ in FILES}
    wanted = {by_name[name]: (change,) for name, change in changes.items()}
    return tuple((name, changed(text, wanted.get(name, ()))) for name, text in FILES)


QUICK: dict[Any, str] = {
    7: "The check got 7. Give it what open_tickets() returns.",
    FILES[1:]: "assistant.mjs is missing. open_tickets() puts it back as it was.",
    # a slip of the pen
    servers(support=("async def chat(", "async def chat((")): (
        "0 of 5 tickets are closed.\nticket 1, support.py: not yet. `"
    ),
}
# Each is examined, all at once.
TEMPTING = servers(
    # stops it at the end of a loop that a leave does not end
    support=("        await writer.drain()\n    return", "        await writer.drain()\n"
             "    for task in running:\n        task.cancel()\n    return"),
    # a queue with room for all that has been seen so far
    tutor=("asyncio.Queue()", "asyncio.Queue(100_000)"),
    # whoever does not wait cannot wait for ever
    assistant=("if (!res.write(text)) await once(res, 'drain')", "res.write(text)"),
    # no black diamonds any more
    translator=('errors="replace"', 'errors="ignore"'),
    # it must be the proxy
    helpdesk=("'Cache-Control': 'no-cache' }",
              "'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' }"),
)  # fmt: skip
FOUND = {
    1: "cancel_streaming: the LLM had made ",
    2: "backpressure: it pulled all ",
    3: "backpressure: it pulled all ",
    4: "integrity: ",
    5: "arrival_compressed: compressed with gzip",
}
