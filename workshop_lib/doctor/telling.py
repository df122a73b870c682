"""What a reader learns when something goes wrong: a status, an error, a cut, or nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from workshop_lib.doctor.frames import Frame
from workshop_lib.doctor.leaks import leaks_in
from workshop_lib.doctor.probes.completeness import mark_of
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

ERROR_KINDS = re.compile(r"error|abort|fail", re.IGNORECASE)
ERROR_FIELDS = ("error", "errorText", "error_message", "errorMessage", "detail", "err", "exception")
PLAIN_ERROR = re.compile(r"error|failed|failure|went wrong|unavailable|broke|sorry", re.IGNORECASE)
RETRIES = 3  # an SDK of OpenAI asks up to three times
TOKEN = re.compile(r"#\d+[.…]* ")


@dataclass(frozen=True)
class Told:
    """`honest`: the reader can know. None: it cannot be said."""

    honest: bool | None
    how: str
    leaks: tuple[str, ...] = ()


def told_by(ward: Ward, visit: Visit) -> Told:
    """Look at how an answer ended that could not be whole."""
    witness = visit.witness
    text = visit.body().decode("utf-8", "replace")
    text += " ".join(witness.headers.values())
    leaks = tuple(leaks_in(text, ward.llm.base_url if ward.llm else ""))
    if witness.status is not None and witness.status >= 400:
        return Told(True, f"status {witness.status}", leaks)
    if error := error_in(visit.frames()):
        return Told(True, f"an error in the body ({error})", leaks)
    if witness.ended == "cut":
        return Told(True, "a connection that broke off", leaks)
    if witness.ended is None and len(visit.rows()) > RETRIES:
        return Told(None, f"nothing so far, for it has tried {len(visit.rows())} times", leaks)
    if witness.ended is None:
        return Told(False, "nothing: the answer neither went on nor ended", leaks)
    if PLAIN_ERROR.search(TOKEN.sub("", visit.channel().text or text)):
        return Told(None, "words about it in the text", leaks)
    mark = mark_of(visit) if visit.channel().numbers else None
    how = f"an answer that ends as a whole one does, with {mark}" if mark else "an answer that ends"
    return Told(False, how, leaks)


def error_in(frames: list[Frame]) -> str | None:
    """Return the error that a frame tells: by its event, its type, or a field of it."""
    for frame in frames:
        said = " ".join(frame.text.split())[:60]
        if ERROR_KINDS.search(frame.kind) or frame.kind == "3" or _tells(frame.content):
            return said
        if not isinstance(frame.content, dict) and re.match(r"\W*error\b", said, re.IGNORECASE):
            return said
    return None


def _tells(content: Any) -> bool:
    if not isinstance(content, Mapping):
        return False
    fields = cast(Mapping[str, Any], content)
    if any(fields.get(name) for name in ERROR_FIELDS):
        return True
    sorts = [
        fields.get(name) for name in ("type", "event", "kind", "status", "finish_reason", "code")
    ]
    if any(isinstance(sort, str) and ERROR_KINDS.search(sort) for sort in sorts):
        return True
    return any(_tells(value) for value in fields.values())
