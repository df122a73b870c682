"""The twelve incidents, in the order in which lesson 11 shows them."""

from typing import Any

from servers import mysteries, step3_cancelling, step4_production, step6_resumable
from servers.field_cases import (
    cut_characters,
    failure_as_done,
    finally_cut_short,
    full_taken_for_gone,
    key_in_error,
    late_heartbeats,
    outlives_its_reader,
    starved_pool,
    tee_hoards,
)
from workshop_lib.arriving import judge_arrival, judge_end
from workshop_lib.doctor.probes import errors, integrity
from workshop_lib.experiment import Buffers, Proxy
from workshop_lib.field_cases.incident import Citation, Incident, files, functions
from workshop_lib.field_cases.measuring import TIME_LAPSE, Examined, Run
from workshop_lib.leaving import judge_leaving
from workshop_lib.pipe.node import ROOT, node_program
from workshop_lib.returning import judge_return
from workshop_lib.sharing import judge_shares
from workshop_lib.verdict import judge

DRAIN = ROOT / "servers" / "field_cases" / "drain_alone"
LARGE_BYTES = 2000  # like the result of a tool: a few fill a reader's socket
PACE: dict[str, Any] = {"tokens_per_s": 40.0}
LONG = PACE | {"answer_tokens": 1000}
SHORT = PACE | {"answer_tokens": 60}
# towards the LLM the kernel's own, for an answer that nobody stops to run on
OPEN_TO_THE_LLM = Buffers(llm_sndbuf=0, server_rcvbuf=0)
LEAVERS = LONG | {"readers": 5, "seconds": 5.0, "buffers": OPEN_TO_THE_LLM}
GREEDY, POLITE = 8, ["ada", "bob"]
SECOND_ROW = 9149  # a seed with which the polite ones ask last, 0.1 s after all others

_ALL = (
    Incident(
        "tee-hoards",
        "Answers are shown and saved at once. Memory grows with each reader on a slow phone.",
        Citation("whatwg/streams", 1235, "Proposal: ReadableStream tee() backpressure"),
        "tokens in the server's own queues, for readers who stall",
        "Pull for both at the pace of the slower one: copy each chunk where it is written.",
        functions(tee_hoards.broken, tee_hoards.repaired),
        Run(judge, LONG | {"readers": 4, "mix": {"stalled": 4}, "token_bytes": LARGE_BYTES,
                           "seconds": 4.0}),
        "growing",
        "bounded",
    ),
    Incident(
        "drain-alone",
        "Streamed pages pile up in a server that runs for days, one for each tab that was closed "
        "in the middle.",
        Citation(
            "solidjs/solid-vite-plugin",
            303,
            "fix(http): `sendWebResponse` no longer hangs when the client disconnects during "
            "backpressure",
            "pull",
        ),
        "streams of the LLM that stay open after readers have stalled, and left",
        "Wait for `drain` or for `close`, whichever comes.",
        files(DRAIN / "broken.mjs", DRAIN / "repaired.mjs", [node_program()]),
        Run(judge_leaving, LEAVERS | {"mix": {"leaver:1:close:1": 5}, "token_bytes": 100_000}),
        "running on",
        "stopped",
    ),
    Incident(
        "full-taken-for-gone",
        "On slow links answers stop in the middle, without an error and without an end mark.",
        Citation("dhyansraj/mcp-mesh", 1567,
                 "fix(ts): mesh.sseStream ends the stream on write backpressure"),
        "answers that were cut, for readers who paused and came back",
        "A write that is not taken at once asks for patience: wait, and look for the leave itself.",
        functions(full_taken_for_gone.broken, full_taken_for_gone.repaired),
        Run(judge_end, SHORT | {"readers": 3, "mix": {"freezer:10:1": 3},
                                "token_bytes": LARGE_BYTES, "seconds": 4.5}),
        "cut",
        "complete",
    ),
    Incident(
        "asked-again",
        "Whoever looks into another tab while it writes gets the answer once more from the top.",
        Citation("Azure/fetch-event-source", 51,
                 "In the process of onmessage, switch to another pages, it will resend the "
                 "request."),
        "tokens that were produced twice, for readers whose connection ended once",
        "Keep the request open in a hidden tab, and let what is lost go on by its number: a POST "
        "is never repeated by itself.",
        functions(step4_production.chat, step6_resumable.chat),
        Run(judge_return, SHORT | {"readers": 3, "mix": {"returner:30": 3}, "seconds": 4.0}),
        "repeated",
        "resumed",
    ),
    Incident(
        "late-heartbeats",
        "Requests to a model that thinks are aborted after a minute. Heartbeats are switched on.",
        Citation("BerriAI/litellm", 34374,
                 "[Bug] Slow-TTFT streams aborted by edge idle timeout \u2014 no application-level "
                 "SSE keepalive before first token"),
        "answers that were cut, behind a proxy that ends a silent connection",
        "Let the heartbeat begin with the response, and not with the first token.",
        functions(late_heartbeats.broken, late_heartbeats.repaired),
        Run(judge_end, SHORT | {
            "readers": 3, "mix": {"steady": 3}, "first_token_s": 90 / TIME_LAPSE, "seconds": 4.5,
            "env": {"HEARTBEAT_S": str(15 / TIME_LAPSE)},
            "proxy": Proxy(buffering=False, idle_s=60 / TIME_LAPSE, ours=True)}),
        "cut",
        "complete",
    ),
    Incident(
        "compressed",
        "After a middleware was added the first message comes at once, and the rest in one piece.",
        Citation("Kludex/starlette", 2753, "flush() after writing to gzip_file", "pull"),
        "looks at which something new had come, for a reader who accepts compression",
        "Leave event streams out of the compression, or flush it after each event.",
        functions(mysteries.compressed, step3_cancelling.chat),
        Run(judge_arrival, SHORT | {"readers": 1, "mix": {"steady": 1}, "seconds": 3.0,
                                    "headers": {"Accept-Encoding": "gzip"}}),
        "in lumps",
        "one by one",
    ),
    Incident(
        "outlives-its-reader",
        "Stop works on the screen. The model goes on with the answer.",
        Citation("archestra-ai/archestra", 5681,
                 "fix(llm): abort upstream call on client disconnect", "pull"),
        "streams of the LLM that stay open after readers have left",
        "Whoever starts a task ends it, on every way out.",
        functions(outlives_its_reader.broken, outlives_its_reader.repaired),
        Run(judge_leaving, LEAVERS | {"mix": {"leaver:10": 5}}),
        "running on",
        "stopped",
    ),
    Incident(
        "finally-cut-short",
        "Readers leave while the model thinks, and connections to the provider stay open.",
        Citation("HKUDS/LightRAG", 3634,
                 "[Bug]: OpenAI streaming client leaks when the consumer disconnects mid-COT"),
        "streams of the LLM that stay open after readers have left",
        "Yield nothing in a `finally`: whoever closes a generator ends it at the first yield.",
        functions(finally_cut_short.broken, finally_cut_short.repaired,
                  finally_cut_short.broken_events, finally_cut_short.repaired_events),
        Run(judge_leaving, LEAVERS | {"mix": {"leaver:10": 5}}),
        "running on",
        "stopped",
    ),
    Incident(
        "starved-pool",
        "Calls to the model fail, for no connection of the pool comes free. The provider is well.",
        Citation("frontman-ai/frontman", 428,
                 "Finch connection pool exhaustion causes LLM stream failures in prod"),
        "tokens of those who asked once, beside readers who take nothing and hold a place each",
        "Give a reader who takes nothing a deadline; a larger pool moves the day.",
        functions(starved_pool.broken, starved_pool.repaired),
        Run(judge_shares, PACE | {
            "readers": GREEDY + len(POLITE), "mix": {"stalled": GREEDY, "steady": len(POLITE)},
            "users": ["greedy"] * GREEDY + POLITE, "seed": SECOND_ROW, "seconds": 5.0,
            "ramp_s": 0.5,
            "answer_tokens": 20, "token_bytes": LARGE_BYTES,
            "env": {"LLM_CONNECTIONS": "4", "STALL_S": str(30 / TIME_LAPSE),
                    "BUDGET_TOKENS": "1000", "MAX_STREAMS_PER_USER": str(GREEDY)}}),
        "unfair",
        "fair",
    ),
    Incident(
        "cut-characters",
        "Russian and Chinese answers show a replacement character now and then.",
        Citation("ollama/ollama-js", 255,
                 "Streaming responses corrupt multibyte UTF-8 at chunk boundaries"),
        "replacement characters, where each character came in two reads",
        "Decode with a decoder that keeps the half of a character for the next read.",
        functions(cut_characters.broken, cut_characters.repaired),
        Examined(integrity.PROBE),
        "sick",
        "healthy",
    ),
    Incident(
        "failure-as-done",
        "Answers end in the middle of a sentence, and are saved as complete.",
        Citation("anomalyco/opencode", 44210,
                 "Silent stream truncation persisted as complete response + TUI desync after "
                 "mid-stream provider errors"),
        "what a reader is told, where the LLM breaks off",
        "Send the end mark after a complete answer alone, and an error event after any other.",
        functions(failure_as_done.broken, failure_as_done.repaired),
        Examined(errors.MID_STREAM),
        "sick",
        "healthy",
    ),
    Incident(
        "key-in-error",
        "A page of health figures shows the last error of each provider, and keys in it.",
        Citation("buildingjoshbetter/TrueMemory", 259,
                 "Health/stats endpoint can leak API keys via LLM error messages"),
        "the ends of the API key, in what a reader is told",
        "Tell readers words of your own, and leave the provider's to the log.",
        functions(key_in_error.broken, key_in_error.repaired,
                  key_in_error.broken_words, key_in_error.repaired_words),
        Examined(errors.BEFORE_START),
        "sick",
        "healthy",
    ),
)  # fmt: skip
INCIDENTS = {one.name: one for one in _ALL}
