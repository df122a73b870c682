"""Is the answer what its content type says, and does it stand text with line ends?"""

import json

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.frames import NAMES, lacks_blank_lines
from workshop_lib.doctor.reference import paced_answer, text_of, whole_answer
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

EVENT_STREAM = "text/event-stream"
LINES_TOKENS = 8
END = ("\n\n", "\r\n\r\n", "\r\r")


async def framing(ward: Ward) -> Finding:
    visit = await paced_answer(ward)
    wrong = complaints(visit)
    if visit.framing == "sse":
        lines = await whole_answer(
            ward, "lines", answer_tokens=LINES_TOKENS, tokens_per_s=50, text="lines"
        )
        wrong += _lost_line_ends(lines)
    name = NAMES[visit.framing]
    kind = visit.witness.headers.get("content-type", "none")
    if wrong:
        return Finding("sick", f"{name}, content type {kind}: {'; '.join(wrong)}.")
    frames = len(visit.frames())
    said = f"{name}, content type {kind}: {frames} frames, each of them well formed."
    return Finding("healthy", said, figures={"frames": frames})


def complaints(visit: Visit) -> list[str]:
    """Say what in one answer breaks the rules of its framing."""
    kind = visit.witness.headers.get("content-type", "").lower()
    body = visit.body()
    wrong: list[str] = []
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        wrong.append(f"it is not UTF-8 ({problem.reason} at byte {problem.start})")
        text = body.decode("utf-8", "replace")
    if visit.framing == "sse":
        if EVENT_STREAM not in kind:
            wrong.append(f"it looks like server-sent events, whose type is {EVENT_STREAM}")
        if text and not text.endswith(END):
            wrong.append("its last event lacks the blank line, and so is never dispatched")
        if not visit.frames() or lacks_blank_lines(visit.witness.body.pieces):
            wrong.append("its events run into one another: a blank line must follow each")
    elif EVENT_STREAM in kind:
        wrong.append("no server-sent event is in it, whatever its type says")
    if bad := _bad_json(visit):
        wrong.append(bad)
    return wrong


def _bad_json(visit: Visit) -> str | None:
    """Look for frames that begin like JSON and are none, in a body most of which is JSON."""
    texts = [frame.text for frame in visit.frames() if frame.text.lstrip()[:1] in ("{", "[")]
    bad = [text for text in texts if not _is_json(text) and text.strip() != "[DONE]"]
    # text in brackets is no broken JSON
    if bad and len(bad) < len(texts) / 2:
        return f"{len(bad)} of {len(texts)} frames are broken JSON, such as {bad[0][:60]!r}"
    return None


def _lost_line_ends(visit: Visit) -> list[str]:
    if visit.witness.ended != "whole" or not visit.channel().numbers:
        return []
    produced = max((row.tokens for row in visit.rows()), default=0)
    text = visit.channel().text
    if "\n" in text or text_of(produced, lines=True) in text or "\n" not in text_of(1, lines=True):
        return []
    return ["the line ends in the LLM's text are lost: a `data:` line ends where the text does"]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


PROBE = Probe(
    "framing",
    "Well-formed frames of the type announced",
    "The body of a whole answer is parsed as the HTML standard (9.2) or its own framing has it: "
    "type, UTF-8, JSON, the blank line after the last event. Server-sent events get a text with "
    "paragraphs, whose line ends must arrive.",
    "A framing that the doctor does not know is taken for plain text. A client of its own may know "
    "to put back what the standard's parser drops.",
    framing,
)
