"""Every patient there is. See flaws.py for what their flaws are."""

from tests.patients.patient import MESSAGES, UI_MESSAGES, Patient, flawed, node, on_port, python
from tests.patients.truth import ARRIVALS, CANCELS, ERRORS, PLAIN, WELL, Truth, but

BARE: Truth = but(PLAIN, sick=("proxy_headers",))
# nothing closes the LLM's stream but the garbage collector, whenever it comes
UNCLOSED = ("cancel_streaming", "cancel_while_stalled")

LADDER = [
    Patient(
        "ladder: step0_buffered",
        python("servers.step0_buffered"),
        but(BARE, *UNCLOSED, "errors_mid_stream", "stall_deadline", "after_the_end",
            sick=("backpressure", *ARRIVALS, "cancel_before_first_token")),
    ),
    Patient(
        "ladder: step1_broken",
        python("servers.step1_broken"),
        but(BARE, "cancel_while_stalled", "stall_deadline",
            sick=("backpressure", "cancel_before_first_token")),
    ),
    Patient(
        "ladder: step2_fixed",
        python("servers.step2_fixed"),
        but(BARE, *UNCLOSED, sick=("cancel_before_first_token",)),
    ),
    Patient("ladder: step3_cancelling", python("servers.step3_cancelling"), BARE),
    Patient(
        "ladder: step4_production",
        python("servers.step4_production"),
        but(WELL, "crowd", healthy=("heartbeat", "stall_deadline")),
        env={"HEARTBEAT_S": "5", "STALL_S": "5"},
    ),
    # who leaves may come back, so it is stopped a little later than by the others
    Patient(
        "ladder: step6_resumable",
        python("servers.step6_resumable"),
        but(WELL, "crowd", healthy=("heartbeat", "stall_deadline")),
        env={"HEARTBEAT_S": "5", "STALL_S": "5", "RESUME_S": "0.5", "REPLAY_BYTES": "65536"},
    ),
]  # fmt: skip

STARLETTE = python("tests.patients.starlette_patient")
FASTAPI = python("tests.patients.fastapi_patient")
AIOHTTP = python("tests.patients.aiohttp_patient")
HYPERCORN = on_port("hypercorn", "-b 127.0.0.1:$PORT tests.patients.starlette_patient:app")
WORKERS = on_port("uvicorn", "--workers 2 --port $PORT tests.patients.starlette_patient:app")
THREADED = python("tests.patients.threaded_patient")
FLASK = python("tests.patients.flask_patient")
# what sees a reader's leaving at its next write, and not while the LLM is silent
PULLED: Truth = but(PLAIN, sick=("cancel_before_first_token",))
# these have heartbeats of their own, every 15 s
PINGS: Truth = but(PLAIN, healthy=("heartbeat",))

ON_PYTHON = [
    *flawed(
        "starlette", STARLETTE, "healthy", "bare", "hoards", "hoards_8mb", "gathers", "clumps",
        "never_cancels", "hides_errors", "leaks_key", "dies", "loses", "doubles", "garbles",
        "no_mark", "one_newline",
    ),
    Patient("starlette: OpenAI's chunks", STARLETTE, PLAIN, "/v1/chat/completions", MESSAGES),
    Patient("starlette: typed events, CRLF", STARLETTE, PLAIN, "/typed"),
    Patient("starlette: NDJSON", STARLETTE, but(PLAIN, "framing", "heartbeat"), "/ndjson"),
    *flawed("sse-starlette", python("tests.patients.sse_starlette_patient"),
            "healthy", "hoards", "never_cancels", "hides_errors", usual=PINGS),
    *flawed("FastAPI", FASTAPI, "healthy", "hoards", "loses", usual=but(PINGS, "proxy_headers")),
    Patient(
        "FastAPI: unclosed",
        FASTAPI,
        but(PINGS, "proxy_headers", "cancel_while_stalled"),
        "/unclosed",
    ),
    *flawed("FastAPI's StreamingResponse", FASTAPI, "healthy", "doubles", path="/streaming"),
    Patient(
        "FastAPI: a blocking SDK",
        FASTAPI,
        dict.fromkeys(("crowd", "completeness", "proxy_headers"), "sick"),
        "/blocking",
    ),
    *flawed(
        "aiohttp-sse", AIOHTTP, "healthy", "hoards", "no_mark",
        usual=but(PINGS, "proxy_headers", "stall_deadline", sick=("cancel_before_first_token",)),
    ),
    Patient(
        "aiohttp: a task for each write",
        AIOHTTP,
        but(PLAIN, "stall_deadline", sick=("backpressure", *CANCELS)),
        "/forked-writes",
    ),
    *flawed("aiohttp", AIOHTTP, "healthy", path="/own-loop",
            usual=PULLED),
    *flawed("aiohttp", AIOHTTP, "compresses", path="/own-loop",
            usual=PULLED),
    *flawed("asyncio", python("tests.patients.asyncio_patient"),
            "healthy", "forgets_drain", "forgets_leavers", "lingers", "hoards"),
    *flawed("Hypercorn", HYPERCORN, "healthy", "hoards", "loses"),
    Patient("uvicorn with two workers", WORKERS, PLAIN),
    *flawed("threads", THREADED, "healthy", "hoards", usual=PULLED),
    # waitress keeps up to 16 MB of an answer, a bound, and has four threads unless told otherwise
    Patient(
        "Flask on waitress",
        FLASK,
        but(PULLED, "stall_deadline", sick=("crowd",)),
    ),
]  # fmt: skip

# its errors are told inside a stream of status 200
UI: Truth = but(PLAIN, *ERRORS, "completeness", "proxy_headers")

ON_NODE = [
    *flawed("Express", node("express"), "healthy", "hoards", "only_drain", "never_cancels",
            "compresses"),
    Patient(
        "Express: hides_errors",
        node("express"),
        but(PLAIN, sick=("completeness", "errors_mid_stream")),
        env={"FLAW": "hides_errors"},
    ),
    Patient("Express: mixes_up", node("express"), {"crowd": "sick"}, env={"FLAW": "mixes_up"}),
    *flawed("Node's http", node("http"), "healthy", "hoards_8mb"),
    Patient(
        "Node's http: dies",
        node("http"),
        {"errors_before_start": "sick"},  # in mid-stream the connection is cut, and it lives on
        env={"FLAW": "dies"},
    ),
    *flawed("Fastify", node("fastify"), "healthy", "hoards"),
    Patient("Fastify: no_signal", node("fastify"), PULLED, env={"FLAW": "no_signal"}),
    *flawed("Hono", node("hono"), "healthy", "hoards", "no_signal"),
    Patient("AI SDK: healthy", node("hono"), UI, "/api/chat", UI_MESSAGES),
    Patient(
        "AI SDK: no_signal",
        node("hono"),
        but(UI, sick=CANCELS),
        "/api/chat",
        UI_MESSAGES,
        {"FLAW": "no_signal"},
    ),
]  # fmt: skip

PATIENTS = [*LADDER, *ON_PYTHON, *ON_NODE]
