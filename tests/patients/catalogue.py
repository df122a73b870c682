"""Every patient: its command, how it is asked, and what is known of it for certain.

A truth stands here only where it was measured; a probe that is not named has none.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PROMPT = '{"prompt": "{prompt}"}'
MESSAGES = '{"model": "m", "stream": true, "messages": [{"role": "user", "content": "{prompt}"}]}'

Verdict = Literal["healthy", "sick", "unclear", "not_applicable"]
Truth = Mapping[str, Verdict]

CANCELS = ("cancel_streaming", "cancel_before_first_token", "cancel_while_stalled")
ARRIVALS = ("arrival", "arrival_compressed")
ERRORS = ("errors_before_start", "errors_mid_stream")
# What any server can have. Heartbeats and a deadline for stalled readers are production's.
WELL: Truth = dict.fromkeys(
    ("backpressure", *CANCELS, "after_the_end", *ARRIVALS, *ERRORS, "completeness", "integrity",
     "framing", "proxy_headers", "crowd"), "healthy",
)  # fmt: skip
PLAIN: Truth = {**WELL, "heartbeat": "sick", "stall_deadline": "sick"}
BY_FLAW: Mapping[str, tuple[str, ...]] = {
    "healthy": (),
    "bare": ("proxy_headers",),
    "hoards": ("backpressure",),
    "hoards_8mb": ("backpressure",),
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
    "lingers": ("after_the_end",),
    "forgets_drain": ("backpressure",),
    "forgets_leavers": ("cancel_before_first_token",),
}
# What a flaw makes doubtful: one that has given a whole answer too early has nothing to cancel.
DOUBTFUL: Mapping[str, tuple[str, ...]] = {
    "gathers": (*CANCELS, "errors_mid_stream", "stall_deadline"),
    "hoards": ("stall_deadline",),
    "leaks_key": ("errors_mid_stream",),
    "dies": ("completeness", "crowd"),
    "loses": ("completeness",),
    "doubles": ("completeness",),
    "no_mark": ("errors_mid_stream", "framing"),
    "lingers": ("completeness", "errors_mid_stream"),
}


@dataclass(frozen=True)
class Patient:
    """A server to start with PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL in its environment.

    POST `body` to `path`, with `{prompt}` replaced; `truth` is by the names of probes.
    """

    name: str
    command: tuple[str, ...]
    truth: Truth
    path: str = "/chat"
    body: str = PROMPT
    env: Mapping[str, str] = field(default_factory=dict[str, str])


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def truth_of(flaw: str, usual: Truth = PLAIN, doubtful: tuple[str, ...] = ()) -> Truth:
    """Tell what a flaw changes in the truth of a server that would be healthy without it."""
    unknown = {*DOUBTFUL.get(flaw, ()), *doubtful}
    truth: dict[str, Verdict] = {**usual, **dict.fromkeys(BY_FLAW[flaw], "sick")}
    return {probe: verdict for probe, verdict in truth.items() if probe not in unknown}


def but(usual: Truth, *unknown: str, **changed: Verdict) -> Truth:
    truth: dict[str, Verdict] = {**usual, **changed}
    return {probe: verdict for probe, verdict in truth.items() if probe not in unknown}


def flawed(
    framework: str, command: tuple[str, ...], *flaws: str, usual: Truth = PLAIN, path: str = "/chat"
) -> list[Patient]:
    return [
        Patient(f"{framework}: {flaw}", command, truth_of(flaw, usual), path, env={"FLAW": flaw})
        for flaw in flaws
    ]


LADDER = [
    Patient(
        "ladder: step0_buffered",
        python("servers.step0_buffered"),
        but(PLAIN, "cancel_streaming", "cancel_while_stalled", "errors_mid_stream",
            "stall_deadline", "after_the_end", backpressure="sick", arrival="sick",
            arrival_compressed="sick", cancel_before_first_token="sick", proxy_headers="sick"),
    ),
    Patient(
        "ladder: step1_broken",
        python("servers.step1_broken"),
        but(PLAIN, "cancel_while_stalled", "stall_deadline", backpressure="sick",
            cancel_before_first_token="sick", proxy_headers="sick"),
    ),
    Patient(
        "ladder: step2_fixed",
        python("servers.step2_fixed"),
        but(PLAIN, "cancel_streaming", cancel_before_first_token="sick",
            cancel_while_stalled="sick", proxy_headers="sick"),
    ),
    Patient(
        "ladder: step3_cancelling",
        python("servers.step3_cancelling"),
        but(PLAIN, proxy_headers="sick"),
    ),
    Patient(
        "ladder: step4_production",
        python("servers.step4_production"),
        but(WELL, "crowd", heartbeat="healthy", stall_deadline="healthy"),
        env={"HEARTBEAT_S": "5", "STALL_S": "5"},
    ),
]  # fmt: skip

STARLETTE = python("tests.patients.starlette_patient")
ASYNCIO = python("tests.patients.asyncio_patient")

PATIENTS = [
    *LADDER,
    *flawed(
        "starlette", STARLETTE, "healthy", "bare", "hoards", "hoards_8mb", "gathers", "clumps",
        "never_cancels", "hides_errors", "leaks_key", "dies", "loses", "doubles", "garbles",
        "no_mark",
    ),
    Patient("starlette: OpenAI's chunks", STARLETTE, PLAIN, "/v1/chat/completions", MESSAGES),
    Patient("starlette: typed events, CRLF", STARLETTE, PLAIN, "/typed"),
    Patient("starlette: NDJSON", STARLETTE, but(PLAIN, "framing", "heartbeat"), "/ndjson"),
    *flawed("asyncio", ASYNCIO, "healthy", "forgets_drain", "forgets_leavers", "lingers", "hoards"),
]  # fmt: skip
