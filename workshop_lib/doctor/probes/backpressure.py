"""What does a server pull from its LLM for a reader that has stopped reading?"""

import time

from workshop_lib.doctor.finding import Finding, Point, Probe
from workshop_lib.doctor.reference import limit_of, paced_answer
from workshop_lib.doctor.rss import Rss
from workshop_lib.doctor.standstill import Standstill
from workshop_lib.doctor.visit import BEAT_S, Visit, until
from workshop_lib.doctor.ward import MIB, Ward

TOKEN_BYTES = 32 * 1024
LARGEST_TOKEN_BYTES = 256 * 1024
READER_RCVBUF_BYTES = 65536  # of less, the rest would take minutes when it reads on
# Whatever a server's own cap is, 8 or 16 MB, and the kernel's buffers at its two ends come to less.
LEAST_FLOOD_BYTES = 36 * MIB


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
        ward.rss_grown_bytes = rss.grown_bytes()
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
    pulled, row = visit.pulled_bytes(), visit.rows()[-1]
    figures = {"flood_mb": flood_bytes / 1e6, "pulled_mb": round(pulled / 1e6, 1)}
    shown = {"figures": figures, "trace": tuple(trace), "axes": ("pulled from the LLM (bytes)", "")}
    mb = f"{pulled / 1e6:.1f} MB"
    if row.ended_by == "answer complete":
        if flood_bytes < LEAST_FLOOD_BYTES:
            said = f"it pulled all {mb} that its limit on tokens allowed: too little to tell."
            return Finding("unclear", said, **shown)
        said = f"it pulled all {mb} of the answer while its reader took nothing."
        return Finding("sick", said, **shown)
    if row.ended_by:
        return _given_up(visit, mb, shown)
    if not stands:
        said = f"it had pulled {mb} in {trace[-1][0]:.0f} s and was pulling on when time was over."
        return Finding("unclear", said, "Run it --thorough for more time.", **shown)
    return await _resume(ward, visit, mb, shown)


def _given_up(visit: Visit, mb: str, shown: dict[str, object]) -> Finding:
    said = f"it pulled {mb}, and then gave its stalled reader up ({visit.rows()[-1].ended_by})."
    return Finding("healthy", said, **shown)  # type: ignore[arg-type]


async def _resume(ward: Ward, visit: Visit, mb: str, shown: dict[str, object]) -> Finding:
    """Let the reader read on: all the rest must come, each token once."""
    stopped = f"it stopped at {mb} while its reader took nothing"
    witness, order = visit.witness, visit.witness.body.order
    await witness.read_all(ward.doses.flood_s)
    produced = visit.produced_tokens()
    if order.violation:
        said = f"{stopped}, and after that tokens were missing: {order.violation}."
        return Finding("sick", said, **shown)  # type: ignore[arg-type]
    if witness.ended == "whole" and order.tokens >= produced:
        said = f"{stopped}; when it read on, all {produced} tokens came, each once."
        return Finding("healthy", said, **shown)  # type: ignore[arg-type]
    if witness.ended is None and not order.tokens:
        said = f"{stopped}, and nothing came when it read on."
        return Finding("unclear", said, **shown)  # type: ignore[arg-type]
    said = f"{stopped}; when it read on, {order.tokens} of {produced} tokens came in time."
    note = witness.problem
    return Finding("healthy" if order.tokens else "unclear", said, note, **shown)  # type: ignore[arg-type]


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
