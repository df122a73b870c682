"""Answers that several probes look at: asked for once, at a pace that people read at."""

from workshop_lib.doctor.patient import CannotExamine
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward
from workshop_lib.pipe.tokens import token_text

TOKENS = 24
PACE_PER_S = 16.0
LONG_TOKENS = 1000


async def paced_answer(ward: Ward) -> Visit:
    """Return a whole answer of 24 tokens at 16 a second; raises CannotExamine for one without."""
    if "paced" not in ward.notes:
        visit = await ward.visit(
            "it gave a plain answer", answer_tokens=TOKENS, tokens_per_s=PACE_PER_S
        )
        await visit.witness.read_all(ward.doses.late_s + TOKENS / PACE_PER_S)
        visit.witness.leave()
        if not visit.channel().numbers:
            raise CannotExamine(_without_tokens(ward, visit))
        ward.notes["paced"] = visit
    return ward.notes["paced"]


async def whole_answer(ward: Ward, name: str, **knobs: float | str) -> Visit:
    """Ask for an answer by its name, once, and read it to its end or until it is late."""
    if name not in ward.notes:
        visit = await ward.visit(f"it gave an answer ({name})", headers=None, rcvbuf=0, **knobs)
        await visit.witness.read_all(ward.doses.late_s)
        visit.witness.leave()
        ward.notes[name] = visit
    return ward.notes[name]


async def fast_answer(ward: Ward) -> Visit:
    """Return a long answer at full speed."""
    return await whole_answer(ward, "fast", answer_tokens=LONG_TOKENS, tokens_per_s=0)


async def is_intact(ward: Ward) -> bool:
    """Tell whether one reader alone gets its tokens right: else no other probe can see it."""
    visits = await paced_answer(ward), await fast_answer(ward)
    return not any(visit.channel().violation for visit in visits)


def limit_of(visit: Visit) -> int | None:
    """Return how many tokens the server lets an answer have, if it cut this one so."""
    cut = [row.tokens for row in visit.rows() if row.finish == "length"]
    return min(cut, default=None)


def text_of(tokens: int, multibyte: bool = False, lines: bool = False) -> str:
    """Return the text that so many tokens make."""
    return "".join(token_text(n, 5, multibyte, lines) for n in range(tokens))


def _without_tokens(ward: Ward, visit: Visit) -> str:
    status = visit.witness.status
    if not visit.rows():
        why = f"answered {status} to {ward.asking} without asking the doctor's LLM"
        todo = "Let it take the address of its LLM from OPENAI_BASE_URL"
    elif not visit.witness.body.bytes:
        why = f"asked the LLM and sent back nothing (status {status}) to {ward.asking}"
        todo = "See by hand, with curl -N, that this request brings an answer"
    else:
        said = " ".join(visit.body()[:120].decode("utf-8", "replace").split())
        why = f"answered {status}, and none of the LLM's tokens is in it: {said!r}"
        todo = "Give the request that brings the LLM's text, with --path and --body"
    return f"{ward.patient.origin} {why}. {todo}."
