"""Does each of many readers get an answer of its own, whole, while others stall?"""

import asyncio
from collections.abc import Sequence
from itertools import accumulate

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.reference import paced_answer
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

TOKENS = 40
PACE_PER_S = 40.0
FEWEST_READERS = 4


async def crowd(ward: Ward) -> Finding:
    alone = await paced_answer(ward)
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
    return judge_crowd(visits, len(alone.channel().numbers))


def judge_crowd(visits: Sequence[Visit], tokens_alone: int) -> Finding:
    """Compare what each of many readers got with what one alone gets."""
    many = len(visits)
    channels = [visit.channel() for visit in visits]
    refused = [visit.witness.status for visit in visits if (visit.witness.status or 0) >= 400]
    empty = sum(not channel.numbers for channel in channels) - len(refused)
    figures = {"readers": many, "refused": len(refused), "without_tokens": empty}
    if refused:
        said = f"{len(refused)} of {many} readers at once were turned away with {refused[0]}."
        return Finding("unclear", f"{said} That may be a limit that somebody set.", figures=figures)
    if empty:
        said = f"{empty} of {many} readers at once got no token in time: it serves them in turn."
        return Finding("sick", said, figures=figures)
    mixed = [channel.violation for channel in channels if channel.violation]
    if mixed and tokens_alone:
        said = f"{len(mixed)} of {many} readers at once got tokens wrong: {mixed[0]}."
        return Finding("sick", said, figures=figures)
    at_once = most_at_once(visits)
    if at_once == 1 and many >= FEWEST_READERS:
        said = f"{many} readers were served in turn: the LLM never had two calls at once."
        return Finding("sick", said, figures=figures | {"at_once": at_once})
    whole = sum(visit.witness.ended == "whole" for visit in visits)
    if whole < many:
        said = f"{many - whole} of {many} readers at once were not through in time."
        return Finding("unclear", said, figures=figures)
    if at_once < many / 2:
        said = f"of {many} readers at once no more than {at_once} were served at a time."
        return Finding("unclear", f"{said} That may be a limit that somebody set.", figures=figures)
    return Finding("healthy", f"{many} readers at once got their answers whole.", figures=figures)


def most_at_once(visits: Sequence[Visit]) -> int:
    """Return how many calls the LLM had open at the same time, by its own book."""
    rows = {row.id: row for visit in visits for row in visit.rows()}.values()
    marks = [(row.started_s, 1) for row in rows]
    marks += [(row.ended_s, -1) for row in rows if row.ended_s is not None]
    return max(accumulate(step for _, step in sorted(marks)), default=0)


PROBE = Probe(
    "crowd",
    "Serves many readers at once",
    "Readers come at once, each with an answer of its own. Every one must get all its tokens, each "
    "once and in order, and the LLM's book must show calls side by side.",
    "A limit on readers that was set on purpose shows as unclear. A machine too weak for so many.",
    crowd,
    harms=True,
)
