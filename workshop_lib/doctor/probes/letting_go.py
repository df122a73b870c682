"""What must hold after a reader has left: its connection is let go, and the next is served."""

from workshop_lib.doctor.finding import Finding
from workshop_lib.doctor.ports import half_closed
from workshop_lib.doctor.visit import Visit, until
from workshop_lib.doctor.ward import Ward

LET_GO_S = 3.0
HOW = (
    "The LLM's own book says whether its call was closed, and how many tokens it produced after "
    "the reader had left. The reader's connection must be let go, and the next one be served."
)


async def and_lets_go(ward: Ward, left: Visit, said: str) -> Finding:
    """Return healthy with what is said, if the reader who left holds nothing more."""
    visit = await ward.visit(f"{ward.doing}, and the next came", answer_tokens=3, tokens_per_s=50)
    await visit.witness.read_all(ward.doses.late_s)
    visit.witness.leave()
    if not visit.channel().numbers:
        why = visit.witness.problem or f"status {visit.witness.status}"
        return Finding("sick", f"{said} But the next reader got no answer ({why}).")
    port = left.witness.local_port
    if not await until(lambda: not half_closed(ward.processes(), port), LET_GO_S):
        return Finding("sick", f"{said} But its connection is still held (CLOSE_WAIT).")
    return Finding("healthy", said)


def ended_before(visit: Visit) -> Finding:
    """Say that there was nothing left to stop."""
    ended = ", ".join(str(row.ended_by) for row in visit.rows())
    return Finding("unclear", f"the LLM's answer had ended before its reader left ({ended}).")
