"""Wrong answers to the two exercises of lesson 04, with what is said of them."""

import asyncio
import codecs
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from workshop_lib.exercises.lesson04 import events_as_browsers_hear_them, honest_ending

Chunks = Iterable[bytes]
Events = AsyncIterator[str]


def data_of(block: str) -> list[str]:
    lines = re.split("\r\n|\r|\n", block)
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def replaces_crlf_in_each_chunk(chunks: Chunks) -> Iterator[str]:
    text = ""
    for chunk in chunks:
        text += chunk.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
        *blocks, text = text.split("\n\n")
        for block in blocks:
            if data := data_of(block):
                yield "\n".join(data)


def by_lines(chunks: Chunks, separator: str, decoded: bool = False, lfs: int = 1) -> Iterator[str]:
    """What most wrong answers have in common."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest, data, after_cr = "", [], False
    for chunk in chunks:
        text = chunk.decode("utf-8-sig", "replace") if decoded else decoder.decode(chunk)
        if text:
            for _ in range(lfs if after_cr else 0):
                text = text.removeprefix("\n")
            after_cr = text.endswith("\r")
        *lines, rest = re.split(separator, rest + text)
        for line in lines:
            name, _, value = line.partition(":")
            if name == "data":
                data.append(value.removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data = []


def ends_lines_like_splitlines(chunks: Chunks) -> Iterator[str]:
    return by_lines(chunks, "\r\n|[\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


def decodes_each_chunk_alone(chunks: Chunks) -> Iterator[str]:
    return by_lines(chunks, "\r\n|\r|\n", decoded=True)


def strips_the_data(chunks: Chunks) -> Iterator[str]:
    return (data.strip(" ") for data in events_as_browsers_hear_them(chunks))


def gives_the_rest_at_the_end(chunks: Chunks) -> Iterator[str]:
    return events_as_browsers_hear_them([*chunks, b"\n\n"])


def takes_a_heartbeat_for_an_event(chunks: Chunks) -> Iterator[str]:
    def commented(chunks: Chunks) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk.replace(b": ping\n\n", b"data:\n\n")

    return events_as_browsers_hear_them(commented(chunks))


def waits_for_the_whole_stream(chunks: Chunks) -> Iterator[str]:
    return events_as_browsers_hear_them([*chunks])


def returns_a_list(chunks: Chunks) -> list[str]:
    return list(events_as_browsers_hear_them(chunks))


def drops_nul(chunks: Chunks) -> Iterator[str]:
    return (data.replace("\0", "") for data in events_as_browsers_hear_them(chunks))


def takes_every_lf_after_a_cr_for_its_rest(chunks: Chunks) -> Iterator[str]:
    return by_lines(chunks, "\r\n|\r|\n", lfs=9)


def decodes_strictly(chunks: Chunks) -> Iterator[str]:
    for chunk in chunks:
        yield chunk.decode()


def yields_for_ever(chunks: Chunks) -> Iterator[str]:
    while True:
        yield "a"


def turns_for_ever(chunks: Chunks) -> Iterator[str]:
    while True:
        pass
    yield ""


def gives_nothing_back(chunks: Chunks) -> None:
    for chunk in chunks:
        print(end=chunk.decode("latin-1")[:0])


SPLITTERS: dict[Any, str] = {
    replaces_crlf_in_each_chunk: "«CRLF cut in the middle ends one line» (the HTML standard, "
    "9.2.5 end-of-line): from b'data: a\\r' + ",
    ends_lines_like_splitlines: "«no other control or separator ends a line»",
    decodes_each_chunk_alone: "«a BOM cut into its bytes is removed»",
    strips_the_data: "of its value one space is removed, no more.",
    gives_the_rest_at_the_end: "«an event without its blank line is dropped»",
    takes_a_heartbeat_for_an_event: "«a comment alone is no event» (the HTML standard, "
    "9.2.6 a line that starts with a colon): from b': ping\\n\\n' a browser "
    "hears [], and your function ['']. A line that begins with a colon is a comment",
    waits_for_the_whole_stream: "The event 'a' was complete with chunk 1, and came out when 3 "
    "chunks had been taken.",
    returns_a_list: "Nobody would see a word before the end",
    drops_nul: "«a NUL in data stays»",
    takes_every_lf_after_a_cr_for_its_rest: "made by chance. The shortest that is not: from b'",
    decodes_strictly: "in line {line} of your code: `yield chunk.decode()`. Repair that line.",
    yields_for_ever: "yields events without end",
    turns_for_ever: "was still busy after 3 s, in line {line} of your code: `",
    gives_nothing_back: "Your function returned None. Let it yield the data of each event.",
    "[DONE]": "Give it your function by its name",
}


async def reads_the_error_as_text(events: Events) -> tuple[str, str, str]:
    text = ""
    try:
        async for data in events:
            if data == "[DONE]":
                return "done", text, ""
            text += json.loads(data).get("token", "")
    except ConnectionError:
        return "error", text, "The connection broke. Send it again."
    return "done", text, ""


async def hides_what_the_server_said(events: Events) -> tuple[str, str, str]:
    status, text, message = await honest_ending(events)
    return status, text, "Something went wrong." if message else ""


async def takes_any_end_for_a_good_one(events: Events) -> tuple[str, str, str]:
    status, text, message = await honest_ending(events)
    return ("done", text, "") if "not complete" in message else (status, text, message)


async def asks_whether_there_is_text(events: Events) -> tuple[str, str, str]:
    status, text, message = await honest_ending(events)
    return ("done", text, "") if text and "connection" in message else (status, text, message)


async def clears_the_text(events: Events) -> tuple[str, str, str]:
    status, text, message = await honest_ending(events)
    return status, text if status == "done" else "", message


async def lets_the_break_out(events: Events) -> tuple[str, str, str]:
    text = ""
    async for data in events:
        if data == "[DONE]":
            return "done", text, ""
        event = json.loads(data)
        if "error" in event:
            return "error", text, event["error"]["message"]
        text += event["token"]
    return "error", text, "The answer is not complete. Send it again."


async def trusts_nothing(events: Events) -> tuple[str, str, str]:
    _, text, _ = await honest_ending(events)
    return "error", text, "The answer may not be complete. Send it again."


async def says_nothing(events: Events) -> tuple[str, str, str]:
    status, text, message = await honest_ending(events)
    return status, text, message if message.startswith("The model") else ""


async def has_words_of_its_own(events: Events) -> tuple[str, str, str]:
    _, text, message = await honest_ending(events)
    return "failed" if message else "complete", text, message


async def waits_for_ever(events: Events) -> tuple[str, str, str]:
    await asyncio.Event().wait()
    return "done", "", ""


def is_not_async(events: Events) -> tuple[str, str, str]:
    return "done", "", ""


ENDINGS: dict[Any, str] = {
    reads_the_error_as_text: 'Look for "error" in an event before you look for its token.',
    hides_what_the_server_said: "The event says what happened, under error, message: show that.",
    takes_any_end_for_a_good_one: "That a stream ends does not make it complete: only [DONE] does.",
    asks_whether_there_is_text: "The connection broke in the middle of the answer; your user sees "
    "'#0.. #1.. #2.. ', 'done' and ''. Whatever ends the loop before [DONE]",
    clears_the_text: "'#0.. #1.. #2.. ' had come. Keep it",
    lets_the_break_out: "Your function raised ConnectionError",
    trusts_nothing: "[DONE] is the one sign that an answer is complete",
    says_nothing: "Say in a sentence what happened and what to do.",
    has_words_of_its_own: "Return three texts: the status",
    waits_for_ever: "was still waiting",
    is_not_async: "Give it your `async def` by its name",
}
