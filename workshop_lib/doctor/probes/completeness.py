"""Can a reader tell a whole answer from one that broke off?"""

from collections.abc import Sequence
from typing import Any, cast

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.frames import Frame
from workshop_lib.doctor.reference import paced_answer, whole_answer
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

BROKEN_AT = 6
UNFINISHED = (
    "one that the LLM ended without a finish_reason as well. Few do; send it only after one."
)
EMPTY = ("", '""', "null", "None", "undefined")
MARK_NAMES = (
    "finish_reason",
    "finishReason",
    "done",
    "is_final",
    "final",
    "complete",
    "stop_reason",
)


async def completeness(ward: Ward) -> Finding:
    visit = await paced_answer(ward)
    if visit.witness.ended != "whole":
        why = visit.witness.problem or "it was not ended in time"
        return Finding("sick", f"a whole answer did not end as HTTP wants it: {why}.")
    if visit.framing == "text":
        return _plain_text(visit)
    mark = mark_of(visit)
    if mark is None:
        said = "after the last token nothing says that the answer is whole: a cut one looks alike."
        return Finding("sick", said)
    if mark_of(await _broken(ward, "cut")) == mark:
        said = (
            f"{mark} ends a whole answer, and one that the LLM's connection broke off in as well."
        )
        return Finding("sick", said)
    if mark_of(await _broken(ward, "early_end")) == mark:
        return Finding("unclear", f"{mark} ends a whole answer, and {UNFINISHED}")
    return Finding("healthy", f"{mark} ends a whole answer, and no other.")


async def _broken(ward: Ward, fault: str) -> Visit:
    """Return an answer that the LLM did not finish."""
    shape = {"answer_tokens": BROKEN_AT * 2, "tokens_per_s": 50, "fault_at": BROKEN_AT}
    return await whole_answer(ward, fault, **shape, fault=fault)


def _plain_text(visit: Visit) -> Finding:
    if visit.witness.headers.get("transfer-encoding") or visit.witness.headers.get(
        "content-length"
    ):
        said = (
            "plain text has no mark; HTTP's own framing ends it, and a cut one shows as an error."
        )
        return Finding("not_applicable", said)
    return Finding("sick", "plain text that ends with the connection: a cut one looks whole.")


def mark_of(visit: Visit) -> str | None:
    """Return what follows the last token and says that the answer is whole, or None."""
    frames, channel = visit.frames(), visit.channel()
    last = channel.frames[-1] if channel.frames else -1
    for frame in reversed(frames[last + 1 :]):
        if not _is_error(frame) and not _is_empty(frame, frames[last]):
            return _name_of(frame)
    return _mark_inside(frames, last)


def _is_empty(frame: Frame, token: Frame) -> bool:
    """Tell a mark from a token without text: an LLM's last chunk has none."""
    if frame.text.strip() in EMPTY:
        return not frame.kind or frame.kind == token.kind
    if not isinstance(frame.content, dict) or not isinstance(token.content, dict):
        return False
    fields, others = cast(dict[str, Any], frame.content), cast(dict[str, Any], token.content)
    alike = set(fields) <= set(others) and fields.get("type") == others.get("type")
    return alike and frame.kind == token.kind and not _marks(fields)


def _mark_inside(frames: Sequence[Frame], last: int) -> str | None:
    """Look for a field such as `finish_reason` that only the last token's frame has."""
    if last < 1:
        return None
    before, end = _marks(frames[last - 1].content), _marks(frames[last].content)
    new = [name for name in end if name not in before]
    return f"`{new[0]}` in its last frame" if new else None


def _marks(content: Any) -> list[str]:
    """Name the fields of a frame that say it is the last."""
    if isinstance(content, list):
        return [name for item in cast(list[Any], content) for name in _marks(item)]
    if not isinstance(content, dict):
        return []
    fields = cast(dict[str, Any], content)
    found = [name for name, value in fields.items() if name in MARK_NAMES and value]
    return found + [name for value in fields.values() for name in _marks(value)]


def _is_error(frame: Frame) -> bool:
    if "error" in frame.kind.lower() or frame.text.strip().lower().startswith("error"):
        return True
    if not isinstance(frame.content, dict):
        return False
    fields = cast(dict[str, Any], frame.content)
    return any(fields.get(name) for name in ("error", "errorText")) or "error" in str(
        fields.get("type", "")
    )


def _name_of(frame: Frame) -> str:
    text = " ".join(frame.text.split())[:60]
    return f"`event: {frame.kind}`" if frame.kind and not text else f"`{text}`"


PROBE = Probe(
    "completeness",
    "A mark at the end of a whole answer",
    "After the last token of a whole answer there must be a frame, or a field in the last one, "
    "that says so: `[DONE]`, a finish_reason, a typed part.",
    "A mark that every frame carries, or one that only the client knows how to read.",
    completeness,
)
