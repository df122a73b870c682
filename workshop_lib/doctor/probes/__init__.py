"""All probes, in the order in which they are run and shown."""

from workshop_lib.doctor.finding import Probe
from workshop_lib.doctor.probes import (
    after_the_end,
    arrival,
    backpressure,
    cancel_while_stalled,
    cancellation,
    completeness,
    crowd,
    errors,
    framing,
    heartbeat,
    integrity,
    memory,
    proxy_headers,
    stall_deadline,
)

PROBES: tuple[Probe, ...] = (
    arrival.ARRIVAL,
    arrival.ARRIVAL_COMPRESSED,
    integrity.PROBE,
    completeness.PROBE,
    framing.PROBE,
    errors.BEFORE_START,
    errors.MID_STREAM,
    after_the_end.PROBE,
    cancellation.STREAMING,
    cancellation.BEFORE_FIRST_TOKEN,
    cancel_while_stalled.PROBE,
    backpressure.PROBE,
    memory.PROBE,
    crowd.PROBE,
    proxy_headers.PROBE,
    heartbeat.PROBE,
    stall_deadline.PROBE,
)
