"""What to do about each cause: how to measure it on your own server, and how to repair it."""

from typing import NamedTuple


class Remedy(NamedTuple):
    """`measure` needs nothing of this workshop; `repaired_in` is where the workshop has it."""

    measure: str
    fix: str
    repaired_in: str


REMEDIES = {
    "proxy-gathers": Remedy(
        "read the same answer behind the proxy and at the server's own port (`curl -N`)",
        "send `X-Accel-Buffering: no`, or turn the proxy's buffering off",
        "servers/opening.py, in step4_production",
    ),
    "nobody-waits": Remedy(
        "let some readers stall, and count what the LLM produces for them",
        "ask for the next token when the socket has taken the last",
        "servers/step2_fixed.py",
    ),
    "idle-limit": Remedy(
        "note when the last byte came and when the connection broke: is it always as long after?",
        "send a comment every 15 seconds while the LLM is silent",
        "servers/heartbeats.py",
    ),
    "compression": Remedy(
        "look for Content-Encoding in the answer's head, asking as a browser does",
        "leave event streams out of the compression; send `Cache-Control: no-transform`",
        "servers/opening.py",
    ),
    "leave-unseen": Remedy(
        "leave, and count what the LLM produces from then on",
        "watch the connection, cancel the handler, and close the LLM's stream on every way out",
        "servers/step3_cancelling.py",
    ),
    "wait-without-end": Remedy(
        "stall first, then leave, and count the streams that stay open",
        "wait for room *or* the leave; a deadline ends the rest",
        "servers/presence.py, servers/deadlines.py",
    ),
    "frames-only": Remedy(
        "count tokens read and tokens shown, in a tab that you do not look at",
        "let a timer run beside requestAnimationFrame",
        "react_client/src/frames.ts",
    ),
    "silent-end": Remedy(
        "break the LLM off, and look at the last event",
        "send [DONE] after a complete answer only, an error event after a broken one",
        "servers/common.py, `ending()`",
    ),
    "comment-as-message": Remedy(
        "send a comment alone in its block to your parser: it has to say nothing",
        "take a parser that keeps to the standard",
        "react_client/src/sse.ts",
    ),
    "six-connections": Remedy(
        "count the open streams to one origin; ask from another browser",
        "let a proxy in front speak HTTP/2; close the body when [DONE] has come",
        "react_client/src/streamCompletion.ts, `read()`",
    ),
}
