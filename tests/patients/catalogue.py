"""Every patient: its command, how it is asked, and what is known of it for certain.

A truth stands here only where it was measured; a probe that is not named has none.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from workshop_lib.pipe.node import node_program

NODE = Path(__file__).parent / "node"

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
    "lingers": ("after_the_end",),
    "forgets_drain": ("backpressure",),
    "forgets_leavers": ("cancel_before_first_token",),
    "no_signal": CANCELS,
    "only_drain": ("cancel_before_first_token", "cancel_while_stalled"),
    "compresses": ("arrival_compressed",),
    "mixes_up": ("crowd",),
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
    "compresses": ("proxy_headers",),
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


def node(name: str) -> tuple[str, ...]:
    return (node_program(), str(NODE / f"{name}.mjs"))


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
        but(PLAIN, "cancel_streaming", "cancel_while_stalled", cancel_before_first_token="sick",
            proxy_headers="sick"),
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
FASTAPI = python("tests.patients.fastapi_patient")
AIOHTTP = python("tests.patients.aiohttp_patient")
# these have heartbeats of their own, every 15 s
PINGS: Truth = but(PLAIN, heartbeat="healthy")

ON_PYTHON = [
    *flawed(
        "starlette", STARLETTE, "healthy", "bare", "hoards", "hoards_8mb", "gathers", "clumps",
        "never_cancels", "hides_errors", "leaks_key", "dies", "loses", "doubles", "garbles",
        "no_mark",
    ),
    Patient("starlette: OpenAI's chunks", STARLETTE, PLAIN, "/v1/chat/completions", MESSAGES),
    Patient("starlette: typed events, CRLF", STARLETTE, PLAIN, "/typed"),
    Patient("starlette: NDJSON", STARLETTE, but(PLAIN, "framing", "heartbeat"), "/ndjson"),
    *flawed("sse-starlette", python("tests.patients.sse_starlette_patient"),
            "healthy", "hoards", "never_cancels", "hides_errors", usual=PINGS),
    *flawed("FastAPI", FASTAPI, "healthy", "hoards", "loses", usual=but(PINGS, "proxy_headers")),
    *flawed("FastAPI's StreamingResponse", FASTAPI, "healthy", "doubles", path="/streaming"),
    Patient(
        "FastAPI: a blocking SDK",
        FASTAPI,
        {"crowd": "sick", "completeness": "sick", "proxy_headers": "sick"},
        "/blocking",
    ),
    *flawed(
        "aiohttp-sse", AIOHTTP, "healthy", "hoards", "no_mark",
        usual=but(PINGS, "proxy_headers", "stall_deadline", cancel_before_first_token="sick"),
    ),
    Patient(
        "aiohttp: a task for each write",
        AIOHTTP,
        but(PLAIN, "stall_deadline", **dict.fromkeys(("backpressure", *CANCELS), "sick")),
        "/forked-writes",
    ),
    *flawed("aiohttp", AIOHTTP, "healthy", path="/own-loop",
            usual=but(PLAIN, cancel_before_first_token="sick")),
    *flawed("asyncio", python("tests.patients.asyncio_patient"),
            "healthy", "forgets_drain", "forgets_leavers", "lingers", "hoards"),
]  # fmt: skip

# what a stream() of a generator notices, and what it does not
PULLED: Truth = but(PLAIN, cancel_before_first_token="sick")
UI_MESSAGES = (
    '{"id": "c", "messages": [{"id": "1", "role": "user", '
    '"parts": [{"type": "text", "text": "{prompt}"}]}]}'
)
UI: Truth = but(PLAIN, *ERRORS, "completeness", "proxy_headers")

ON_NODE = [
    *flawed("Express", node("express"), "healthy", "hoards", "only_drain", "never_cancels",
            "compresses"),
    Patient(
        "Express: hides_errors",
        node("express"),
        but(PLAIN, completeness="sick", errors_mid_stream="sick"),
        env={"FLAW": "hides_errors"},
    ),
    Patient("Express: mixes_up", node("express"), {"crowd": "sick"}, env={"FLAW": "mixes_up"}),
    *flawed("Node's http", node("http"), "healthy", "hoards_8mb"),
    Patient(
        "Node's http: dies",
        node("http"),
        {"errors_before_start": "sick"},
        env={"FLAW": "dies"},
    ),
    *flawed("Fastify", node("fastify"), "healthy", "hoards"),
    Patient("Fastify: no_signal", node("fastify"), PULLED, env={"FLAW": "no_signal"}),
    *flawed("Hono", node("hono"), "healthy", "hoards", "no_signal"),
    Patient("AI SDK: healthy", node("hono"), UI, "/api/chat", UI_MESSAGES),
    Patient(
        "AI SDK: no_signal",
        node("hono"),
        but(UI, **dict.fromkeys(CANCELS, "sick")),
        "/api/chat",
        UI_MESSAGES,
        {"FLAW": "no_signal"},
    ),
]  # fmt: skip

PATIENTS = [*LADDER, *ON_PYTHON, *ON_NODE]
