"""The causes that a symptom may have: what each would show, and what was measured instead.

Ten are true of one case each, two of none: they are what is suspected first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workshop_lib.cases.evidence import Evidence

HELD = 0.5  # share of tokens in bursts: a busy machine makes a few
HOARDED = 0.6  # share in the server's queues: the SDK alone may have a quarter in hand
# A leave is looked for five times a second, and tokens come 40 times: a busy machine makes it a few
# more. Of 100 tokens some 95 are to come after the one leave, and 58 after the other.
RAN_ON_READING_TOKENS, RAN_ON_STALLED_TOKENS = 48, 30
IDLE_S = 20.0
BEHIND_TOKENS = 40  # a second of text; a hidden page may be a quarter of one behind
KEPT_UP = 0.5

ENDINGS = {
    "waiting": "had not begun",
    "open": "was not over",
    "complete": "was complete, [DONE] included",
    "told": "ended with an error event",
    "unfinished": "ended as if all were well, without [DONE] and without an error event",
    "cut": "was cut off",
}


@dataclass(frozen=True)
class Cause:
    """One entry of the list. `holds` judges the evidence, `measured` says what decides about it.

    `expected` is what would have been measured if it were the cause.
    """

    title: str
    holds: Callable[[Evidence], bool]
    measured: Callable[[Evidence], str]
    expected: str


def _flow(e: Evidence) -> str:
    if not e.browser_made:
        return "the LLM has made no token for the browser's answer"
    return (
        f"{e.held_share:.0%} of the browser's tokens came in bursts or not at all, and "
        f"{e.direct_held_share:.0%} of those at the server's own port"
    )


def _ending(e: Evidence) -> str:
    silence = f", {e.last_silence_s:.0f} s after the last byte"
    return f"the browser's answer {ENDINGS[e.browser_ended]}{silence * (e.browser_ended == 'cut')}"


def _compression(e: Evidence) -> str:
    if not e.encoding:
        return "the answer's head has no Content-Encoding"
    return f"the answer's head has Content-Encoding: {e.encoding}, and {_flow(e)}"


CAUSES = {
    "proxy-gathers": Cause(
        "A proxy gathers the answer before it passes it on",
        lambda e: e.held_share > HELD > e.direct_held_share,
        _flow,
        "bursts at the browser, and none at the server's own port",
    ),
    "nobody-waits": Cause(
        "The server takes tokens that its reader has no room for",
        lambda e: e.queued_share > HOARDED,
        lambda e: (
            f"{e.queued_share:.0%} of the tokens for readers who stall lay in the server's queues"
        ),
        "most of them, because nobody tells the LLM to wait",
    ),
    "idle-limit": Cause(
        "Something on the way closes a connection that is silent",
        lambda e: e.browser_ended == "cut" and e.last_silence_s >= IDLE_S,
        _ending,
        "an answer that is cut off, after tens of seconds without a byte",
    ),
    "compression": Cause(
        "A compressor gathers the answer until a block is full",
        lambda e: bool(e.encoding) and e.held_share > HELD,
        _compression,
        "a Content-Encoding, and bursts wherever somebody accepts one",
    ),
    "leave-unseen": Cause(
        "Nobody stops the LLM when a reader leaves",
        lambda e: e.after_reading > RAN_ON_READING_TOKENS,
        lambda e: (
            f"the LLM went on for {e.after_reading:.0f} tokens after a reader had left that was "
            "reading"
        ),
        "the rest of the answer",
    ),
    "wait-without-end": Cause(
        "A handler waits for room that a reader who has left never makes",
        lambda e: (
            e.after_stalling > RAN_ON_STALLED_TOKENS and e.after_reading <= RAN_ON_READING_TOKENS
        ),
        lambda e: (
            f"the LLM went on for {e.after_stalling:.0f} tokens after a reader had left that was "
            f"stalled, and for {e.after_reading:.0f} after one that was reading"
        ),
        "many after one that was stalled, and few after one that was reading",
    ),
    "frames-only": Cause(
        "The page waits for a frame, and a hidden tab draws none",
        lambda e: e.page_behind > BEHIND_TOKENS,
        lambda e: (
            f"half a second after they had come, {e.page_behind} tokens at most were not on the "
            "hidden page"
        ),
        "all that came while it was hidden",
    ),
    "silent-end": Cause(
        "The server ends a broken answer as if it were complete",
        lambda e: e.browser_ended == "unfinished",
        _ending,
        "an answer that ends as if all were well, without [DONE] and without an error event",
    ),
    "comment-as-message": Cause(
        "The page's parser makes a message of a comment",
        lambda e: e.page_empty > 0,
        lambda e: f"of the page's {e.page_messages} messages {e.page_empty} had no data",
        "a message without data for each heartbeat",
    ),
    "six-connections": Cause(
        "The browser has no connection left for this origin",
        lambda e: 0 < e.tabs_started < e.tabs,
        lambda e: f"of the browser's tabs, {e.tabs} in all, {e.tabs_started} got an answer's head",
        "six, and nothing for whatever comes after them",
    ),
    "blocked-loop": Cause(
        "A handler blocks the event loop",
        lambda e: e.steady_share < KEPT_UP,
        lambda e: f"the reader who keeps up got {e.steady_share:.0%} of its tokens",
        "next to nothing, for then nobody is served",
    ),
    "lossy-network": Cause(
        "The network loses or swaps parts of the text",
        lambda e: bool(e.disorder),
        lambda e: f"the numbers of the readers' tokens: {e.disorder or 'each once and in order'}",
        "gaps in them",
    ),
}
