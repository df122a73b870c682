"""Does anything come while the LLM is silent? Proxies close what is silent for long."""

import asyncio

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.telling import told_by
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

SPOKEN_TOKENS = 5
LONG_ENOUGH_S = 20.0  # the usual heartbeat comes every 15 s


async def heartbeat(ward: Ward) -> Finding:
    wait_s = ward.doses.wait_s
    first = await ward.visit("its LLM was silent at first", first_token_s=wait_s + 5)
    await first.reached_llm(ward.doses.late_s)
    amid = await ward.visit(
        "its LLM fell silent", tokens_per_s=20, fault="silence", fault_at=SPOKEN_TOKENS
    )
    await amid.reached_llm(ward.doses.late_s)
    gaps_s = await asyncio.gather(_gap_s(first, wait_s), _gap_s(amid, wait_s))
    note = _note(ward, amid)
    for visit in (first, amid):
        visit.witness.leave()
    return judge_silence(*gaps_s, wait_s, note)


async def _gap_s(visit: Visit, wait_s: float) -> float:
    """Return the longest time in which nothing came, the one at the end too."""
    witness = visit.witness
    await witness.read_all(wait_s)
    return max(witness.longest_gap_s, witness.now_s - witness.wire_at_s if not witness.ended else 0)


def judge_silence(first_s: float, amid_s: float, wait_s: float, note: str) -> Finding:
    """Judge by the longest gaps on the wire in the two silences of the LLM."""
    figures = {"longest_gap_s": round(max(first_s, amid_s), 1)}
    said = (
        f"in {wait_s:g} s of silence nothing came for {first_s:.1f} s before the first token, "
        f"and for {amid_s:.1f} s in mid-stream"
    )
    beats = [gap_s < wait_s * 0.8 for gap_s in (first_s, amid_s)]
    if all(beats):
        return Finding("healthy", f"{said}, at the longest.", note, figures)
    if wait_s < LONG_ENOUGH_S:
        return Finding("unclear", f"{said}: too short a wait for most heartbeats.", note, figures)
    return Finding("sick", f"{said}.", note, figures)


def _note(ward: Ward, amid: Visit) -> str:
    if amid.witness.ended is None:
        return ""
    return f"It does not wait for a silent LLM for ever: its reader got {told_by(ward, amid).how}."


PROBE = Probe(
    "heartbeat",
    "Heartbeats while the LLM is silent",
    "The LLM is silent after its headers, and in another answer after five tokens. Any byte on the "
    "wire is a heartbeat. Healthy is a server whose longest gap is clearly shorter than the wait.",
    "Heartbeats that come less often than the wait lasts: see --wait. A server that answers no "
    "faster than its LLM, and gives up before proxies do, can live without.",
    heartbeat,
    severity="advice",
    lane="silence",
)
