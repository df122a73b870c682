"""Does the LLM stop when the reader leaves in mid-stream, and before the first token?"""

from dataclasses import replace

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.probes.letting_go import HOW, and_lets_go, ended_before
from workshop_lib.doctor.visit import Visit, until
from workshop_lib.doctor.ward import Ward
from workshop_lib.pipe.fake_llm import COMPLETE

ENDLESS_TOKENS = 100_000
PACE_PER_S = 20.0
READ_TOKENS = 5
READ_S = 2.0
FEW_S = 2.0
UNNOTICED = (
    "While the LLM has not even sent headers, nobody notices that the reader left: the call stays "
    "open until they come."
)


async def cancel_streaming(ward: Ward) -> Finding:
    visit = await ward.visit(
        "its reader left in mid-stream", answer_tokens=ENDLESS_TOKENS, tokens_per_s=PACE_PER_S
    )
    witness = visit.witness
    await witness.read(lambda: witness.body.order.tokens >= READ_TOKENS, READ_S)
    if not witness.body.bytes:  # some gather, or clump: what matters is that the LLM is at work
        await until(lambda: visit.produced_tokens() >= READ_TOKENS, ward.doses.late_s)
    if not await visit.reached_llm(ward.doses.late_s):  # it may greet its reader before it asks
        return Finding("unclear", "the server did not ask its LLM.")
    before = visit.produced_tokens()
    if not visit.upstream_open():
        return ended_before(visit)
    witness.leave()
    allowed = PACE_PER_S * ward.doses.silence_s
    await until(
        lambda: not visit.upstream_open() or visit.produced_tokens() - before > allowed,
        ward.doses.late_s,
    )
    return await _judge(ward, visit, visit.produced_tokens() - before)


async def _judge(ward: Ward, visit: Visit, after: int) -> Finding:
    figures = {"tokens_for_nobody": after}
    if visit.upstream_open():
        said = f"the LLM had made {after} tokens since its reader left, and was still answering."
        return Finding("sick", said, figures=figures)
    if any(row.ended_by == COMPLETE for row in visit.rows()):
        said = f"the answer went on to its end, {after} tokens after its reader had left."
        return Finding("sick" if after > FEW_S * PACE_PER_S else "unclear", said, figures=figures)
    return await and_lets_go(ward, visit, f"{_tokens(after)} after its reader had left.")


async def cancel_before_first_token(ward: Ward) -> Finding:
    silence_s = ward.doses.silence_s
    visit = await ward.visit(
        "its reader left before the first token",
        answer_tokens=ENDLESS_TOKENS,
        tokens_per_s=PACE_PER_S,
        first_token_s=silence_s,
    )
    if not await visit.reached_llm(ward.doses.late_s):
        return Finding("unclear", "the server did not ask its LLM.")
    await visit.witness.read_head(0.5)
    visit.witness.leave()
    await until(lambda: not visit.upstream_open() or visit.produced_tokens() > 0, silence_s + 8)
    if visit.produced_tokens():
        return await _ran_on(visit, silence_s)
    if visit.upstream_open():
        said = "nothing was made for the reader who left, and yet the LLM's call stays open."
        return Finding("sick", said)
    finding = await and_lets_go(ward, visit, "the LLM was stopped before its first token.")
    return replace(finding, note=await _before_headers(ward))


async def _ran_on(visit: Visit, silence_s: float) -> Finding:
    allowed = PACE_PER_S * silence_s
    await until(lambda: not visit.upstream_open() or visit.produced_tokens() > allowed, 10)
    tokens = visit.produced_tokens()
    how = "and goes on" if visit.upstream_open() else f"and stopped when {_tokens(tokens)}"
    said = f"its reader had gone for {silence_s:g} s when the LLM began to answer, {how}."
    return Finding("sick", said, figures={"tokens_for_nobody": tokens})


async def _before_headers(ward: Ward) -> str:
    """Look at the silence before the LLM's headers, too; it is no part of the verdict."""
    visit = await ward.visit(
        "its reader left before the LLM's headers", fault="silence_before_headers"
    )
    if not await visit.reached_llm(ward.doses.late_s):
        return ""
    await visit.witness.read_head(0.5)
    visit.witness.leave()
    gone = await until(lambda: not visit.upstream_open(), ward.doses.silence_s)
    return "" if gone else UNNOTICED


def _tokens(number: int) -> str:
    return "1 token was made" if number == 1 else f"{number} tokens were made"


STREAMING = Probe(
    "cancel_streaming",
    "Stops its LLM when the reader leaves in mid-stream",
    f"The reader takes {READ_TOKENS} tokens of {PACE_PER_S:g} a second and closes its connection. "
    f"A call still open after some seconds' more tokens is running on. {HOW}",
    "A server that means to finish answers, to store them: that is bought with every token.",
    cancel_streaming,
    harms=True,
    lane="stall",
)
BEFORE_FIRST_TOKEN = Probe(
    "cancel_before_first_token",
    "Stops its LLM when the reader leaves before the first token",
    "The LLM is silent for some seconds after its headers, and the reader leaves meanwhile: the "
    f"call must be closed before the first token comes. {HOW} Silence before the LLM's headers is "
    "looked at as well, for a note.",
    "A server that looks for its reader less often than every few seconds.",
    cancel_before_first_token,
    harms=True,
    lane="silence",
)
