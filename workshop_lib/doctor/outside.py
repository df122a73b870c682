"""What can be said of a server whose LLM is not ours: little, and nothing of what it hoards."""

from collections.abc import Callable
from itertools import pairwise

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.patient import CannotExamine
from workshop_lib.doctor.probes.arrival import TOGETHER_S
from workshop_lib.doctor.probes.framing import complaints
from workshop_lib.doctor.probes.proxy_headers import judge_headers
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

FEWEST_FRAMES = 5
LEAST_SHARE_ALONE = 0.5
ANSWER_S = 60.0
HOW_TO_PROVE = (
    "this cannot be proved while its LLM is another one. Start the server with the variables that "
    "--llm-port prints, or let --run start it."
)


async def outside_answer(ward: Ward) -> Visit:
    """Return one answer, of whatever LLM it has; raises CannotExamine for none."""
    if "outside" not in ward.notes:
        visit = await ward.visit("it gave an answer")
        await visit.witness.read_all(ANSWER_S)
        visit.witness.leave()
        status = visit.witness.status
        if status is None or status >= 400 or not visit.witness.body.bytes:
            how = f"answered {status}" if status else f"gave no answer ({visit.witness.problem})"
            raise CannotExamine(
                f"{ward.patient.origin} {how} to {ward.asking}. Give the request that brings an "
                "answer, with --path, --method, --header and --body."
            )
        ward.notes["outside"] = visit
    return ward.notes["outside"]


async def look_from_outside(ward: Ward, probe: Probe) -> Finding:
    """Judge what a single answer shows; whatever needs the LLM is unclear."""
    judge = FROM_OUTSIDE.get(probe.id)
    visit = await outside_answer(ward)
    return judge(visit) if judge else Finding("unclear", HOW_TO_PROVE)


def _arrival(visit: Visit) -> Finding:
    """Count arrivals of frames: few may be the server's fault, or its LLM's."""
    moments_s = [at_s for at_s, _ in visit.witness.body.pieces]
    frames = len(visit.frames())
    gaps = pairwise(moments_s)
    arrivals = 1 + sum(after - before > TOGETHER_S for before, after in gaps)
    said = f"{frames} frames came at {arrivals} moments"
    if frames >= FEWEST_FRAMES and arrivals >= frames * LEAST_SHARE_ALONE:
        return Finding("healthy", f"{said}.")
    return Finding(
        "unclear", f"{said}; whether its LLM clumps them or the server does: {HOW_TO_PROVE}"
    )


def _framing(visit: Visit) -> Finding:
    wrong = complaints(visit)
    kind = visit.witness.headers.get("content-type", "none")
    said = "; ".join(wrong) or f"{len(visit.frames())} well-formed frames"
    return Finding("sick" if wrong else "healthy", f"content type {kind}: {said}.")


def _headers(visit: Visit) -> Finding:
    return judge_headers(visit.witness.headers)


FROM_OUTSIDE: dict[str, Callable[[Visit], Finding]] = {
    "arrival": _arrival,
    "framing": _framing,
    "proxy_headers": _headers,
}
