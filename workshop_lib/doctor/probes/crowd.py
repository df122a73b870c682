"""Does each of many readers get an answer of its own, whole, and at the same time?"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.probes.queue_behind import held_up
from workshop_lib.doctor.reference import is_intact
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward
from workshop_lib.pipe.fake_llm import StreamRow

TOKENS = 80
PACE_PER_S = 40.0
FEWEST_READERS = 4
# A limit that somebody set turns readers away; one that nobody knows of lets them wait.
IN_TURN = 1 / 3
SIDE_BY_SIDE = 0.4


async def crowd(ward: Ward) -> Finding:
    intact = await is_intact(ward)
    visits = [
        await ward.visit("many readers came at once", answer_tokens=TOKENS, tokens_per_s=PACE_PER_S)
        for _ in range(ward.doses.readers)
    ]
    try:
        wait_s = ward.doses.late_s * 2
        await asyncio.gather(*(visit.witness.read_all(wait_s) for visit in visits))
    finally:
        for visit in visits:
            visit.witness.leave()
    finding = judge_crowd(visits, intact)
    if finding.verdict != "sick" and (why := await held_up(ward)):
        return replace(finding, verdict="sick", evidence=why)
    return finding


def judge_crowd(visits: Sequence[Visit], intact: bool) -> Finding:
    """Judge what many readers got; tokens that one alone gets wrong as well are not counted."""
    many = len(visits)
    at_once = mean_at_once([row for visit in visits for row in visit.rows()])
    refused = [visit.witness.status for visit in visits if (visit.witness.status or 0) >= 400]
    figures = {"readers": many, "refused": len(refused), "at_once": round(at_once, 1)}
    if harm := _harm(visits, intact, len(refused), at_once):
        return Finding("sick", harm, figures=figures)
    whole = sum(visit.witness.ended == "whole" for visit in visits)
    if refused:
        said = f"{len(refused)} of {many} readers at once were turned away with {refused[0]}."
    elif whole < many:
        said = f"{many - whole} of {many} readers at once were not through in time."
    elif at_once < many * SIDE_BY_SIDE:
        said = f"of {many} readers at once {at_once:.1f} were served at a time."
    else:
        return Finding("healthy", f"{many} readers at once got their answers.", figures=figures)
    return Finding("unclear", f"{said} That may be a limit that somebody set.", figures=figures)


def _harm(visits: Sequence[Visit], intact: bool, refused: int, at_once: float) -> str | None:
    """Say what no limit excuses."""
    many = len(visits)
    channels = [visit.channel() for visit in visits]
    if empty := sum(not channel.numbers for channel in channels) - refused:
        return f"{empty} of {many} readers at once got no token in time: it serves them in turn."
    mixed = [channel.violation for channel in channels if channel.violation and intact]
    if mixed:
        return f"{len(mixed)} of {many} readers at once got tokens wrong: {mixed[0]}."
    if at_once < (many - refused) * IN_TURN and many - refused >= FEWEST_READERS:
        return f"of {many} readers only {at_once:.1f} were served at a time, and the others waited."
    return None


def mean_at_once(rows: Sequence[StreamRow]) -> float:
    """Return how many calls the LLM had open at a time, on the average, by its own book."""
    spans = {row.id: (row.started_s, row.ended_s) for row in rows}.values()
    ended = [(start_s, end_s) for start_s, end_s in spans if end_s is not None]
    if not ended:
        return 0.0
    busy_s = sum(end_s - start_s for start_s, end_s in ended)
    whole_s = max(end_s for _, end_s in ended) - min(start_s for start_s, _ in ended)
    return busy_s / max(whole_s, 1e-9)


PROBE = Probe(
    "crowd",
    "Serves many readers at once",
    "Readers come at once, each with an answer of its own: every one must get all its tokens, each "
    "once and in order, and the LLM's book must show calls side by side. Then as many wait for a "
    "silent LLM, and one more comes, who must be served before them.",
    "A limit on readers that was set on purpose shows as unclear. A machine too weak for so many.",
    crowd,
    harms=True,
)
