"""Does the LLM stop when a reader leaves that had not been reading?"""

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.probes.backpressure import READER_RCVBUF_BYTES, TOKEN_BYTES
from workshop_lib.doctor.probes.cancellation import ENDLESS_TOKENS
from workshop_lib.doctor.probes.letting_go import HOW, and_lets_go, ended_before
from workshop_lib.doctor.standstill import Standstill
from workshop_lib.doctor.visit import until
from workshop_lib.doctor.ward import MIB, Ward

PACE_PER_S = 200.0  # 6.5 MB a second
FILLED_BYTES = 24 * MIB
STALLED_S = 12.0


async def cancel_while_stalled(ward: Ward) -> Finding:
    visit = await ward.visit(
        "its stalled reader left",
        rcvbuf=READER_RCVBUF_BYTES,
        answer_tokens=ENDLESS_TOKENS,
        token_bytes=TOKEN_BYTES,
        tokens_per_s=PACE_PER_S,
    )
    if not await visit.reached_llm(ward.doses.late_s):
        return Finding("unclear", "the server did not ask its LLM.")
    standstill = Standstill(ward.processes())

    def enough() -> bool:
        pulled = visit.pulled_bytes()
        return standstill.reached(pulled) or pulled > FILLED_BYTES or not visit.upstream_open()

    await until(enough, STALLED_S)
    before_mb = visit.pulled_bytes() / 1e6
    open_before = visit.upstream_open()
    visit.witness.leave()
    if not open_before:
        return ended_before(visit)
    gone = await until(lambda: not visit.upstream_open(), ward.doses.silence_s)
    if not gone:
        after_mb = visit.pulled_bytes() / 1e6 - before_mb
        said = (
            f"its reader had stalled at {before_mb:.1f} MB and left, and the LLM's call is still "
            f"open, with {after_mb:.1f} MB pulled since."
        )
        return Finding("sick", said, figures={"pulled_after_mb": round(after_mb, 1)})
    said = f"the reader had stalled at {before_mb:.1f} MB; when it left, the LLM was stopped."
    return await and_lets_go(ward, visit, said)


PROBE = Probe(
    "cancel_while_stalled",
    "Stops its LLM when a stalled reader leaves",
    f"The reader reads nothing until what the server pulls stands still, or has come to "
    f"{FILLED_BYTES // MIB} MB, and closes its connection. A call still open seconds later runs "
    f"on. {HOW}",
    "A server that gives stalled readers up on its own within seconds: it had ended before.",
    cancel_while_stalled,
    harms=True,
    lane="stall",
)
