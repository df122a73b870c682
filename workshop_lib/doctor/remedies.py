"""What to do about each finding: in words for any server, and in code for those we know."""

from workshop_lib.doctor.finding import Verdict

NODE = ("Express", "Node.js", "Next.js", "AI SDK")

ANY = {
    "backpressure": "Ask the LLM for its next chunk only when the socket has taken the last one; "
    "no queue without a bound may stand between the two.",
    "memory": "What repairs backpressure repairs this: hold no more of an answer than one chunk.",
    "cancel_streaming": "When the reader's connection closes, close the LLM's stream, too: abort "
    "the call, do not only leave the loop.",
    "cancel_before_first_token": "Watch the reader's connection while you wait for the LLM, not "
    "only when you write to it.",
    "cancel_while_stalled": "Wait for the socket to drain OR to close, never for the first alone: "
    "a reader that leaves causes no drain.",
    "after_the_end": "End the response right after the mark of completeness, and release on every "
    "way out what the request held.",
    "arrival": "Write each chunk as it comes and flush it; gather nothing, and batch for less than "
    "50 ms if you must.",
    "arrival_compressed": "Exclude event streams from compression: `Cache-Control: no-transform`, "
    "or a flush after each event.",
    "heartbeat": "Send a comment (`: ping` and a blank line) after 15 s of silence, and the "
    "headers before the first token.",
    "errors_before_start": "Send a status of your own (429, 502) with a message of your own when "
    "the LLM refuses; log what it said, do not pass it on.",
    "errors_mid_stream": "Catch what the LLM's stream raises: send an error event, no mark of "
    "completeness, and end the response.",
    "completeness": "After the LLM's finish_reason, and only then, send a mark such as "
    "`data: [DONE]`.",
    "integrity": "Decode bytes incrementally, cut frames only at their ends, and pass each token "
    "on once, untrimmed.",
    "framing": "Write events with a library, or JSON on one `data:` line, a blank line after each, "
    "and the type `text/event-stream`.",
    "proxy_headers": "Send `X-Accel-Buffering: no` and `Cache-Control: no-cache, no-transform`.",
    "stall_deadline": "Give each write a limit, such as 30 s, and destroy the connection after it.",
    "crowd": "Let no handler block the others, and keep the state of a request in that request.",
}

BY_FRAMEWORK = {
    (
        "backpressure",
        "node",
    ): "`if (!res.write(event)) await drainOrClose(res)` in the loop over the "
    "stream, or `await pipeline(stream, toEvents, res)`.",
    ("cancel_streaming", "node"): "`res.on('close', () => controller.abort())`, with "
    "`{ signal: controller.signal }` for the SDK. Not `req.on('close')`: it fires too early.",
    ("cancel_before_first_token", "node"): "Create the AbortController and listen to "
    "`res.on('close')` before you await the SDK's call.",
    ("cancel_while_stalled", "node"): "`await Promise.race([once(res, 'drain'), once(res, "
    "'close')])`, and abort the call on 'close'.",
    ("arrival_compressed", "node"): "With the package `compression`, call `res.flush()` after each "
    "event, or send `Cache-Control: no-transform`.",
    ("backpressure", "aiohttp"): "`await response.write(event)` in the handler's own loop, and no "
    "queue or task between; `await writer.drain()` makes it exact.",
    (
        "cancel_before_first_token",
        "aiohttp",
    ): "`handler_cancellation=True` for the runner, or a task that watches `request.transport`.",
    ("cancel_streaming", "aiohttp"): "`async with stream:` around the loop: leaving the loop alone "
    "does not close the SDK's stream.",
    ("backpressure", "ASGI"): "Yield from an async generator that reads the LLM itself: "
    "`StreamingResponse(events())`, with no queue or task between.",
    (
        "cancel_streaming",
        "ASGI",
    ): "`async with await client...create(stream=True) as stream:` inside "
    "the generator, so that its cancellation closes the call.",
    (
        "cancel_before_first_token",
        "ASGI",
    ): "Call the LLM inside the generator: before a response has "
    "begun, nobody watches for the disconnect.",
    ("stall_deadline", "ASGI"): "sse-starlette's `EventSourceResponse(..., send_timeout=30)`.",
    ("heartbeat", "ASGI"): "sse-starlette's `EventSourceResponse(..., ping=15)`.",
    ("cancel_streaming", "WSGI"): "Close the LLM's stream in a `finally` of the generator: WSGI "
    "calls `close()` on it when a write fails.",
    (
        "crowd",
        "WSGI",
    ): "Give it more threads than readers at once, or move streams to an ASGI server.",
}


def remedy_for(probe_id: str, verdict: Verdict, framework: str) -> str:
    """Return what to do; nothing for what is healthy."""
    if verdict != "sick":
        return ""
    family = "node" if framework in NODE else framework
    special = BY_FRAMEWORK.get((probe_id, family))
    return ANY[probe_id] + (f" In {framework}: {special}" if special else "")
