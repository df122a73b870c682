"""Does the process grow by what it pulls for a stalled reader?"""

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.probes.backpressure import LEAST_FLOOD_BYTES, backpressure
from workshop_lib.doctor.ward import Ward

MOST_SHARE_BOUNDED = 0.4
LEAST_SHARE_HOARDED = 0.5


async def memory(ward: Ward) -> Finding:
    if not ward.processes():
        return Finding("not_applicable", "its process is not on this machine, or not to be seen.")
    if "flood" not in ward.notes:
        await backpressure(ward)
    grown, pulled = ward.rss_grown_bytes, ward.stalled_at_bytes
    if grown is None:
        return Finding("not_applicable", "the size of its process cannot be seen.")
    figures = {"grown_mb": round(grown / 1e6, 1), "pulled_mb": round(pulled / 1e6, 1)}
    said = f"its processes grew by {grown / 1e6:.0f} MB while it pulled {pulled / 1e6:.0f} MB"
    if pulled >= LEAST_FLOOD_BYTES * 0.95 and grown >= pulled * LEAST_SHARE_HOARDED:
        return Finding("sick", f"{said} for a reader that took nothing.", figures=figures)
    if pulled < LEAST_FLOOD_BYTES and grown < LEAST_FLOOD_BYTES * MOST_SHARE_BOUNDED * 2:
        return Finding("healthy", f"{said}, and then stopped pulling.", figures=figures)
    return Finding("unclear", f"{said}: the two do not fit together.", figures=figures)


PROBE = Probe(
    "memory",
    "Memory stays, however long a reader stalls",
    "The resident size of the server's processes, found by its port, while the flood of the probe "
    "of backpressure is offered. What was pulled decides; size alone proves nothing.",
    "Memory that the process had free before. A garbage collector that is late.",
    memory,
)
