"""What is known of a patient for certain, by the names of the doctor's probes.

A truth stands here only where it was measured; a probe that is not named has none.
"""

from collections.abc import Mapping
from typing import Literal

Verdict = Literal["healthy", "sick", "unclear", "not_applicable"]
Truth = Mapping[str, Verdict]
Probes = tuple[str, ...]

CANCELS = ("cancel_streaming", "cancel_before_first_token", "cancel_while_stalled")
ARRIVALS = ("arrival", "arrival_compressed")
ERRORS = ("errors_before_start", "errors_mid_stream")
PROBES = ("backpressure", *CANCELS, "after_the_end", *ARRIVALS, "heartbeat", *ERRORS,
          "completeness", "integrity", "framing", "proxy_headers", "stall_deadline", "crowd",
          "memory")  # fmt: skip
# What any server can have. Heartbeats and a deadline for stalled readers are production's.
WELL: Truth = dict.fromkeys(
    ("backpressure", *CANCELS, "after_the_end", *ARRIVALS, *ERRORS, "completeness", "integrity",
     "framing", "proxy_headers", "crowd"), "healthy",
)  # fmt: skip
PLAIN: Truth = {**WELL, "heartbeat": "sick", "stall_deadline": "sick"}
BY_FLAW: Mapping[str, Probes] = {
    "healthy": (),
    "bare": ("proxy_headers",),
    "hoards": ("backpressure",),
    "hoards_8mb": (),  # a bound, if a generous one
    "gathers": (*ARRIVALS, "backpressure"),
    "clumps": ARRIVALS,
    "never_cancels": CANCELS,
    "hides_errors": (*ERRORS, "completeness"),
    "leaks_key": ("errors_before_start",),
    "dies": ("errors_mid_stream",),
    "loses": ("integrity",),
    "doubles": ("integrity",),
    "garbles": ("integrity",),
    "no_mark": ("completeness",),
    "one_newline": ("framing",),
    "lingers": ("after_the_end",),
    "forgets_drain": ("backpressure",),
    "forgets_leavers": ("cancel_before_first_token",),
    "no_signal": CANCELS,
    "only_drain": ("cancel_before_first_token", "cancel_while_stalled"),
    "compresses": ("arrival_compressed",),
    "mixes_up": ("crowd",),
}
# What a flaw makes doubtful: one that has given a whole answer too early has nothing to cancel.
DOUBTFUL: Mapping[str, Probes] = {
    "gathers": (*CANCELS, "errors_mid_stream", "stall_deadline"),
    "hoards": ("stall_deadline",),
    "leaks_key": ("errors_mid_stream",),
    "dies": ("completeness", "crowd"),
    "loses": ("completeness",),
    "doubles": ("completeness",),
    "no_mark": ("errors_mid_stream", "framing"),
    "one_newline": ("completeness", "errors_mid_stream", "integrity"),
    "lingers": ("completeness", "errors_mid_stream"),
    "compresses": ("proxy_headers",),
}


def truth_of(flaw: str, usual: Truth = PLAIN) -> Truth:
    """Tell what a flaw changes in the truth of a server that would be healthy without it."""
    return but(usual, *DOUBTFUL.get(flaw, ()), sick=BY_FLAW[flaw])


def but(usual: Truth, *unknown: str, sick: Probes = (), healthy: Probes = ()) -> Truth:
    """Return a truth with some probes changed and others, of which nothing is certain, left out."""
    truth: dict[str, Verdict] = {
        **usual,
        **dict.fromkeys(sick, "sick"),
        **dict.fromkeys(healthy, "healthy"),
    }
    return {probe: verdict for probe, verdict in truth.items() if probe not in unknown}
