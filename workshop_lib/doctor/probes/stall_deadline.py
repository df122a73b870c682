"""Does a server give up a reader that takes nothing, and never leaves?"""

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.probes.backpressure import READER_RCVBUF_BYTES, TOKEN_BYTES
from workshop_lib.doctor.probes.cancel_while_stalled import FILLED_BYTES, PACE_PER_S
from workshop_lib.doctor.probes.cancellation import ENDLESS_TOKENS
from workshop_lib.doctor.visit import until
from workshop_lib.doctor.ward import Ward
from workshop_lib.pipe.fake_llm import COMPLETE

LONG_ENOUGH_S = 32.0  # half a minute is a usual deadline
FILL_S = 8.0


async def stall_deadline(ward: Ward) -> Finding:
    visit = await ward.visit(
        "a reader stalled for long",
        rcvbuf=READER_RCVBUF_BYTES,
        answer_tokens=ENDLESS_TOKENS,
        token_bytes=TOKEN_BYTES,
        tokens_per_s=PACE_PER_S,
    )
    try:
        if not await visit.reached_llm(ward.doses.late_s):
            return Finding("unclear", "the server did not ask its LLM.")
        wait_s = ward.doses.wait_s + (FILL_S if ward.doses.wait_s > FILL_S else 0)
        await until(
            lambda: not visit.upstream_open() or visit.pulled_bytes() > 4 * FILLED_BYTES, wait_s
        )
        if any(row.ended_by == COMPLETE for row in visit.rows()):
            return Finding("unclear", "its limit on tokens ended the answer before anything else.")
        return _judge(visit.upstream_open(), visit.pulled_bytes(), wait_s)
    finally:
        visit.witness.leave()


def _judge(still_open: bool, pulled: int, wait_s: float) -> Finding:
    mb = f"{pulled / 1e6:.1f} MB"
    if pulled > 4 * FILLED_BYTES:
        said = f"it does not notice that its reader stalls: it pulled {mb} and went on."
        return Finding("sick", said)
    if not still_open:
        return Finding("healthy", f"it gave up a reader that took nothing, after {mb}.")
    said = f"a reader that takes nothing has held its call to the LLM for {wait_s:g} s, at {mb}"
    if wait_s < LONG_ENOUGH_S:
        return Finding("unclear", f"{said}: too short a wait for most deadlines.")
    return Finding("sick", f"{said}.")


PROBE = Probe(
    "stall_deadline",
    "A deadline for readers that take nothing",
    "The reader reads nothing and stays. A server with a deadline closes its call to the LLM "
    "within the wait.",
    "A deadline longer than the wait: see --wait. A proxy in front with one of its own.",
    stall_deadline,
    severity="advice",
    harms=True,
    lane="stall",
)
