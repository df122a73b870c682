"""What the tutorial says of the page: reading the stream, and showing it."""

import codecs
from collections.abc import Iterable, Iterator

from workshop_lib.meter.page_run import PageRun
from workshop_lib.pipe.long_answer import LongAnswer
from workshop_lib.pipe.sse_corpus import hand_cases
from workshop_lib.show.claims import Cited, Claim
from workshop_lib.show.splitters import right_cases
from workshop_lib.show.units import count

FRAME_MS = 1000 / 60
AT_THE_END = len(LongAnswer().tokens[-1])


def on_blank_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield what follows `data: ` in all that lies between two line feeds in a row."""
    decoder, text = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for chunk in chunks:
        text += decoder.decode(chunk)
        *blocks, text = text.split("\n\n")
        yield from (block[6:] for block in blocks if block.startswith("data: "))


PAGE = (
    Cited(
        "04",
        "EventSource cannot send a POST.",
        "right",
        "it takes an address, and whether to send cookies",
        "https://html.spec.whatwg.org/multipage/server-sent-events.html",
    ),
    Claim(
        "04",
        "To split at the blank line is to parse server-sent events.",
        (),
        lambda _: right_cases(on_blank_lines) == len(hand_cases()),
        lambda _: (
            f"{right_cases(on_blank_lines)} of {len(hand_cases())} streams are read as a browser "
            "reads them"
        ),
        by="the corpus of lesson 04",
    ),
    Cited(
        "04",
        "The hook tells its user when the server reports an error.",
        "wrong",
        "its own catch swallows it: of 4 failures it tells none",
        "lesson 04, the chat that swallows errors",
        read="",
    ),
    Claim(
        "05",
        "50 tokens a second are 50 commits a second.",
        ("05_per-token",),
        lambda runs: _commits(runs["05_per-token"]) > AT_THE_END / 2,
        lambda runs: (
            f"{count(_commits(runs['05_per-token']), 'commit')} for {AT_THE_END} tokens, where "
            "each takes longer than a token"
        ),
        wrong="wrong: React commits chunks",
    ),
    Claim(
        "05",
        "Batching, once in a frame, keeps the page smooth.",
        ("05_per-frame", "05_per-token"),
        lambda runs: (
            runs["05_per-frame"].dropped_at_the_end < runs["05_per-token"].dropped_at_the_end / 2
        ),
        lambda runs: " against ".join(
            f"{run.dropped_at_the_end} frames lost at the end" for run in runs.values()
        ),
        wrong="wrong, where all is parsed again",
    ),
    Cited(
        "05",
        "The batcher as it is printed shows every token.",
        "wrong",
        "200 of 400 reach the screen: it empties the ref before React has read it",
        "lesson 05, the exercise lose_no_token",
        read="",
    ),
    Claim(
        "05",
        "Parsing the Markdown again is what costs, and not React.",
        ("05_per-token", "05_plain"),
        lambda runs: (
            runs["05_per-token"].stretches[-1].work_ms > 3 * runs["05_plain"].stretches[-1].work_ms
        ),
        lambda runs: " against ".join(
            f"{run.stretches[-1].work_ms:.0f} ms a commit" for run in runs.values()
        ),
    ),
    Claim(
        "05",
        "Markdown at the end only is often better.",
        ("05_at-end",),
        lambda runs: runs["05_at-end"].longest_frame_ms < 10 * FRAME_MS,
        lambda runs: f"then the page stands still for {runs['05_at-end'].longest_frame_ms:.0f} ms",
        wrong="right until the end comes",
    ),
)


def _commits(run: PageRun) -> int:
    return len(run.stretches[-1].commits)
