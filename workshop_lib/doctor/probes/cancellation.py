"""Does the LLM stop when the reader leaves: in mid-stream, before the first token, stalled?"""

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.probes.backpressure import READER_RCVBUF_BYTES, TOKEN_BYTES
from workshop_lib.doctor.standstill import Standstill
from workshop_lib.doctor.visit import BEAT_S, Visit, until
from workshop_lib.doctor.ward import MIB, Ward

ENDLESS_TOKENS = 100_000
PACE_PER_S = 20.0
READ_TOKENS = 5
STALL_PACE_PER_S = 200.0  # 6.5 MB a second
FILLED_BYTES = 24 * MIB
STALLED_S = 12.0


async def cancel_streaming(ward: Ward) -> Finding:
    visit = await ward.visit(
        "its reader left in mid-stream", answer_tokens=ENDLESS_TOKENS, tokens_per_s=PACE_PER_S
    )
    witness = visit.witness
    await witness.read(lambda: witness.body.order.tokens >= READ_TOKENS, 2.0)
    if not witness.body.bytes:  # some gather, or clump: what matters is that the LLM is at work
        await until(lambda: visit.produced_tokens() >= READ_TOKENS, ward.doses.late_s)
    before = visit.produced_tokens()
    if not visit.upstream_open():
        return await _ended_before(ward, visit)
    witness.leave()
    allowed = PACE_PER_S * ward.doses.silence_s
    await until(
        lambda: not visit.upstream_open() or visit.produced_tokens() - before > allowed,
        ward.doses.late_s,
    )
    after = visit.produced_tokens() - before
    if visit.upstream_open():
        said = (
            f"the LLM had produced {after} tokens since its reader left, and was still answering."
        )
        return Finding("sick", said, figures={"tokens_for_nobody": after})
    if any(row.ended_by == "answer complete" for row in visit.rows()):
        return Finding("unclear", "the answer was through before it could be stopped.")
    return await _next_is_served(ward, f"{after} tokens were produced after its reader had left.")


async def _ended_before(ward: Ward, visit: Visit) -> Finding:
    ended = [row.ended_by for row in visit.rows()]
    return Finding("unclear", f"the LLM's answer had ended before its reader left ({ended}).")


async def cancel_before_first_token(ward: Ward) -> Finding:
    note, silence_s = await _before_headers(ward), ward.doses.silence_s
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
        allowed = PACE_PER_S * silence_s
        await until(lambda: not visit.upstream_open() or visit.produced_tokens() > allowed, 10)
        tokens = visit.produced_tokens()
        how = "and goes on" if visit.upstream_open() else f"and stopped after {tokens} tokens"
        said = f"its reader had gone for {silence_s:g} s when the LLM began to answer, {how}."
        return Finding("sick", said, note, {"tokens_for_nobody": tokens})
    if visit.upstream_open():
        return Finding("unclear", "the LLM's call stays open, and it never began.", note)
    finding = await _next_is_served(ward, "the LLM was stopped before its first token.")
    return Finding(finding.verdict, finding.evidence, note)


async def _before_headers(ward: Ward) -> str:
    """Look at the silence before the LLM's headers, too; it is no part of the verdict."""
    visit = await ward.visit(
        "its reader left before the LLM's headers", fault="silence_before_headers"
    )
    if not await visit.reached_llm(ward.doses.late_s):
        return ""
    await visit.witness.read_head(0.5)
    visit.witness.leave()
    if await until(lambda: not visit.upstream_open(), ward.doses.silence_s):
        return ""
    return (
        "While the LLM has not even sent headers, nobody notices that the reader left: the call "
        "stays open until they come."
    )


async def cancel_while_stalled(ward: Ward) -> Finding:
    visit = await ward.visit(
        "its stalled reader left",
        rcvbuf=READER_RCVBUF_BYTES,
        answer_tokens=ENDLESS_TOKENS,
        token_bytes=TOKEN_BYTES,
        tokens_per_s=STALL_PACE_PER_S,
    )
    if not await visit.reached_llm(ward.doses.late_s):
        return Finding("unclear", "the server did not ask its LLM.")
    standstill = Standstill(ward.processes())
    await until(
        lambda: (
            standstill.reached(pulled := visit.pulled_bytes())
            or pulled > FILLED_BYTES
            or not visit.upstream_open()
        ),
        STALLED_S,
        BEAT_S,
    )
    if not visit.upstream_open():
        visit.witness.leave()
        return await _ended_before(ward, visit)
    before_mb = visit.pulled_bytes() / 1e6
    visit.witness.leave()
    gone = await until(lambda: not visit.upstream_open(), ward.doses.silence_s)
    after_mb = visit.pulled_bytes() / 1e6 - before_mb
    if not gone:
        said = (
            f"its reader had stalled at {before_mb:.1f} MB and left, and the LLM's call is still "
            f"open, with {after_mb:.1f} MB pulled since."
        )
        return Finding("sick", said, figures={"pulled_after_mb": round(after_mb, 1)})
    said = f"the reader had stalled at {before_mb:.1f} MB; when it left, the LLM was stopped."
    return await _next_is_served(ward, said)


async def _next_is_served(ward: Ward, said: str) -> Finding:
    """See that the reader who left has not blocked the one who comes next."""
    visit = await ward.visit(f"{ward.doing}, and the next came", answer_tokens=3, tokens_per_s=50)
    await visit.witness.read_all(ward.doses.late_s)
    visit.witness.leave()
    if visit.channel().numbers:
        return Finding("healthy", said)
    why = visit.witness.problem or f"status {visit.witness.status}"
    return Finding("sick", f"{said} But the next reader got no answer ({why}).")


HOW = (
    "The LLM's own book says whether its call was closed, and how many tokens it produced after "
    "the reader had left. The next reader must be served."
)
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
    f"The LLM is silent for some seconds after its headers, and the reader leaves meanwhile: "
    f"the call must be closed before the first token comes. {HOW} Silence before the LLM's headers "
    "is looked at as well, for a note.",
    "A server that looks for its reader less often than every few seconds.",
    cancel_before_first_token,
    harms=True,
    lane="silence",
)
WHILE_STALLED = Probe(
    "cancel_while_stalled",
    "Stops its LLM when a stalled reader leaves",
    f"The reader reads nothing until what the server pulls stands still, or has come to "
    f"{FILLED_BYTES // MIB} MB, and closes its connection. A call still open seconds later "
    f"runs on. {HOW}",
    "A server that gives stalled readers up on its own within seconds: it had ended before.",
    cancel_while_stalled,
    harms=True,
    lane="stall",
)
