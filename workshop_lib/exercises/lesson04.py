"""Lesson 04: repair a splitter; make the end of the stream honest."""

import codecs
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator

from workshop_lib.exercises.checks.ending import judge_ending
from workshop_lib.exercises.checks.splitter import judge_splitter
from workshop_lib.exercises.contract import Exercise


def my_events(chunks: Iterable[bytes]) -> Iterator[str]:
    text = ""
    for chunk in chunks:
        text += chunk.decode(errors="replace")
        *blocks, text = text.split("\n\n")
        for block in blocks:
            yield block.removeprefix("data: ")


def events_as_browsers_hear_them(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest, after_cr = "", False
    data: list[str] = []
    for chunk in chunks:
        if text := decoder.decode(chunk):
            if after_cr:
                text = text.removeprefix("\n")  # the rest of a CRLF
            after_cr = text.endswith("\r")
        *lines, rest = re.split("\r\n|\r|\n", rest + text)
        for line in lines:
            name, _, value = line.partition(":")
            if name == "data":
                data.append(value.removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data = []


async def my_ending(events: AsyncIterator[str]) -> tuple[str, str, str]:
    text = ""
    try:
        async for data in events:
            if data == "[DONE]":
                break
            text += json.loads(data)["token"]
    except Exception:
        pass  # half an event, probably
    return "done", text, ""


async def honest_ending(events: AsyncIterator[str]) -> tuple[str, str, str]:
    text = ""
    try:
        async for data in events:
            if data == "[DONE]":
                return "done", text, ""
            event = json.loads(data)
            if "error" in event:
                return "error", text, event["error"]["message"]
            text += event.get("token", "")
    except (ConnectionError, ValueError):
        return "error", text, "The connection broke. Send it again."
    return "error", text, "The answer is not complete. Send it again."


repair_the_splitter = Exercise(
    name="repair_the_splitter",
    task=(
        "Repair the function so that it yields the data of each event, as a browser hears them, "
        "and each one with the chunk that completes it. Names, ids and retry are passed over."
    ),
    starter=my_events,
    answer=events_as_browsers_hear_them,
    hints=(
        "Three things are kept from chunk to chunk: half a character, half a line, and the data "
        "lines of the block that is open. What of these does the starter keep?",
        "codecs.getincrementaldecoder('utf-8-sig')('replace') keeps half a character, and takes a "
        "byte order mark off the start.",
        "Work by lines, not by blocks: re.split('\\r\\n|\\r|\\n', ...). A CR at the end of a chunk "
        "and an LF at the start of the next are one end of a line.",
        "`name, _, value = line.partition(':')`. Collect the value where the name is data; at a "
        "blank line, yield what was collected, if there was any.",
    ),
    judge=judge_splitter,
)

make_the_end_honest = Exercise(
    name="make_the_end_honest",
    task=(
        'Repair the function so that it returns ("done", text, "") for a complete answer only, '
        'and otherwise "error", the text that has come, and a message for the user.'
    ),
    starter=my_ending,
    answer=honest_ending,
    hints=(
        "Three ways lead to the last line: a break, a loop that ran out of events, and an "
        "exception that nobody looked at. Which of them is a complete answer?",
        'An error event is {"error": {"code": ..., "message": ...}}. What does ["token"] do with '
        "it, and who takes the exception?",
        "Return at [DONE], inside the loop. Then whatever comes behind the loop is an error, and "
        "the `except` needs a message of its own.",
    ),
    judge=judge_ending,
)
