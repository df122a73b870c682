"""What does a server pull from its LLM for a reader that has stopped reading?"""

import time
from dataclasses import replace

from workshop_lib.doctor.finding import Finding, Point, Probe, Verdict
from workshop_lib.doctor.reference import is_intact, limit_of, paced_answer
from workshop_lib.doctor.rss import Rss
from workshop_lib.doctor.standstill import Standstill
from workshop_lib.doctor.visit import BEAT_S, Visit, until
from workshop_lib.doctor.ward import MIB, Ward
from workshop_lib.pipe.fake_llm import COMPLETE

TOKEN_BYTES = 32 * 1024
LARGEST_TOKEN_BYTES = 256 * 1024
READER_RCVBUF_BYTES = 65536  # of less, the rest would take minutes when it reads on
# Whatever a server's own cap is, 8 or 16 MB, and the kernel's buffers at its two ends come to less.
LEAST_FLOOD_BYTES = 36 * MIB
AXES = ("pulled from the LLM while the reader takes nothing", "")


async def backpressure(ward: Ward) -> Finding:
    limit = limit_of(await paced_answer(ward))
    token_bytes = TOKEN_BYTES
    if limit:
        token_bytes = min(LARGEST_TOKEN_BYTES, max(TOKEN_BYTES, ward.doses.flood_bytes // limit))
    tokens = min(ward.doses.flood_bytes // token_bytes, limit or 1_000_000)
    rss = Rss(ward.processes())
    visit = await ward.visit(
        "its reader stalled",
        rcvbuf=READER_RCVBUF_BYTES,
        answer_tokens=tokens,
        token_bytes=token_bytes,
        tokens_per_s=0,
    )
    ward.notes["flood"] = visit
    try:
        if not await visit.reached_llm(ward.doses.late_s):
            return Finding("unclear", "the server did not ask its LLM for the stalled reader.")
        trace, stands = await _watch(ward, visit, rss)
        rss.note()
        ward.rss_grown_bytes, ward.stalled_at_bytes = rss.grown_bytes(), visit.pulled_bytes()
        return await _judge(ward, visit, tokens * token_bytes, trace, stands)
    finally:
        visit.witness.leave()


async def _watch(ward: Ward, visit: Visit, rss: Rss) -> tuple[list[Point], bool]:
    """Watch what is pulled until it stands still, ends, or the time is over."""
    began_s, trace = time.monotonic(), list[Point]()
    standstill = Standstill(ward.processes())
    while (now_s := time.monotonic() - began_s) < ward.doses.flood_s:
        pulled = visit.pulled_bytes()
        trace.append((now_s, float(pulled), 0.0))
        rss.note()
        if not visit.upstream_open():
            return trace, False
        if standstill.reached(pulled):
            return trace, True
        await until(lambda: False, BEAT_S)
    return trace, False


async def _judge(
    ward: Ward, visit: Visit, flood_bytes: int, trace: list[Point], stands: bool
) -> Finding:
    pulled, ended_by = visit.pulled_bytes(), visit.rows()[-1].ended_by
    figures = {"flood_mb": flood_bytes / 1e6, "pulled_mb": round(pulled / 1e6, 1)}
    shown = Finding("unclear", "", "", figures, tuple(trace), AXES)
    mb = f"{pulled / 1e6:.1f} MB"
    if ended_by == COMPLETE and flood_bytes < LEAST_FLOOD_BYTES:
        said = f"it pulled all {mb} that its limit on tokens allowed: too little to tell."
        return replace(shown, evidence=said)
    if ended_by == COMPLETE:
        said = f"it pulled all {mb} of the answer while its reader took nothing."
        return replace(shown, verdict="sick", evidence=said)
    if ended_by:
        said = f"it pulled {mb}, and then gave its stalled reader up ({ended_by})."
        return replace(shown, verdict="healthy", evidence=said)
    if not stands:
        said = f"it had pulled {mb} in {trace[-1][0]:.0f} s and was pulling on when time was over."
        return replace(shown, evidence=said, note="Run it --thorough for more time.")
    verdict, rest = await _resume(ward, visit)
    said = f"it stopped at {mb} while its reader took nothing; {rest}."
    return replace(shown, verdict=verdict, evidence=said, note=visit.witness.problem)


async def _resume(ward: Ward, visit: Visit) -> tuple[Verdict, str]:
    """Let the reader read on: all the rest must come, each token once."""
    witness, order = visit.witness, visit.witness.body.order
    await witness.read_all(ward.doses.flood_s)
    produced = visit.produced_tokens()
    if order.violation and await is_intact(ward):
        return "sick", f"when it read on, tokens were missing: {order.violation}"
    if witness.ended == "whole" and order.tokens >= produced:
        return "healthy", f"when it read on, all {produced} tokens came, each once"
    if order.tokens:
        return "healthy", f"when it read on, {order.tokens} of {produced} tokens came in time"
    return "unclear", "nothing came when it read on"


PROBE = Probe(
    "backpressure",
    "Stops its LLM for a reader that stalls",
    "The reader reads nothing, with a receive buffer of 64 kB asked for. The LLM offers more than "
    "any usual cap and the kernel's buffers take together, as fast as it is pulled. Bounded is a "
    "server whose pulled bytes stand still, while it uses no CPU, with more to be had, and that "
    "brings the rest without loss when the reader reads on; unbounded is one that pulls it all.",
    "A cap greater than the flood. A proxy in between that buffers: it is what is examined then. "
    "A server so slow that it is not through when time is over is called unclear.",
    backpressure,
    harms=True,
)
