"""What an examination comes down to: counts, and silences; every cause is judged by these alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workshop_lib.cases.case import TIME_LAPSE
from workshop_lib.cases.examination import (
    LEAVES_READING,
    LEAVES_STALLED,
    STALLED,
    STEADY,
    Examination,
)
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.pipe.hidden_page import Look
from workshop_lib.pipe.witness import Arrival, Ended, Visit

# Tokens are due every 25 ms. Reads that come closer than this bring what has waited somewhere.
BURST_GAP_S = 0.01
BURST_TOKENS = 16  # 0.4 s of tokens: a busy machine keeps fewer back
LOOKS_LATER = 5  # half a second: twice what a hidden page may wait


@dataclass(frozen=True)
class Evidence:
    """The measurements of one case; `*_s` are seconds of real life, whatever the time-lapse.

    `browser_made` are the tokens that the LLM has produced for the browser. Shares are of what it
    has produced: `held_share` came to the browser in bursts
    or not at all, `direct_held_share` to the one at the server's own port; `queued_share` lies in
    the server's own queues, of those for readers who stall. `after_reading` and `after_stalling`
    are the tokens produced for each reader that had left, while it read or while it stalled.
    `page_behind` tokens had come to the hidden page half a second before, and were not shown.
    """

    held_share: float
    direct_held_share: float
    browser_made: int
    browser_tokens: int
    browser_ended: Ended
    last_silence_s: float
    encoding: str
    queued_share: float
    after_reading: float
    after_stalling: float
    page_behind: int
    page_messages: int
    page_empty: int
    tabs: int
    tabs_started: int
    steady_share: float
    disorder: str


def evidence_of(seen: Examination) -> Evidence:
    """Work out the measurements of an examination."""
    stalled, steady = (_streams(seen, habit) for habit in (STALLED, STEADY))
    produced = sum(stream.produced_tokens for stream in stalled)
    return Evidence(
        held_share=held_share(seen.browser, seen.produced),
        direct_held_share=held_share(seen.direct, seen.produced),
        browser_made=seen.produced.get(seen.browser.prompt, 0),
        browser_tokens=seen.browser.tokens,
        browser_ended=seen.browser.ended,
        last_silence_s=last_silence_s(seen.browser) * TIME_LAPSE,
        encoding=seen.browser.headers.get("content-encoding", ""),
        queued_share=sum(stream.queued_tokens or 0 for stream in stalled) / max(1, produced),
        after_reading=_after_leaving(_streams(seen, LEAVES_READING)),
        after_stalling=_after_leaving(_streams(seen, LEAVES_STALLED)),
        page_behind=behind(seen.looks),
        page_messages=max((look.messages for look in seen.looks), default=0),
        page_empty=max((look.empty for look in seen.looks), default=0),
        tabs=len(seen.tabs),
        tabs_started=sum(tab.head_s is not None for tab in seen.tabs),
        steady_share=_received_share(steady),
        disorder=next(iter(seen.recording.complaints), ""),
    )


def held_share(visit: Visit, produced: Mapping[str, int]) -> float:
    """Return which share of the tokens made for a reader came in bursts, or has not come."""
    made = produced.get(visit.prompt, 0)
    if made < BURST_TOKENS:
        return 0.0
    flowed = sum(tokens for tokens in bursts(visit.arrivals) if tokens < BURST_TOKENS)
    return 1 - min(1.0, flowed / made)


def bursts(arrivals: Iterable[Arrival]) -> Iterator[int]:
    """Yield the tokens of each burst: of reads with next to no time between them."""
    tokens, last_s = 0, -1.0
    for arrival in arrivals:
        if arrival.t_s - last_s > BURST_GAP_S and tokens:
            yield tokens
            tokens = 0
        tokens += arrival.tokens
        last_s = arrival.t_s
    if tokens:
        yield tokens


def last_silence_s(visit: Visit) -> float:
    """Return how long nothing had come when an answer ended; 0 for one that has not."""
    if visit.ended_s is None:
        return 0.0
    last_s = visit.arrivals[-1].t_s if visit.arrivals else visit.head_s or 0.0
    return visit.ended_s - last_s


def behind(looks: Sequence[Look]) -> int:
    """Return the most tokens that the page had half a second before it had shown them."""
    pairs = zip(looks, looks[LOOKS_LATER:], strict=False)
    return max((max(0, early.received - late.shown) for early, late in pairs), default=0)


def _streams(seen: Examination, habit: str) -> list[StreamLedger]:
    return [stream for stream in seen.recording.streams if stream.habit == habit]


def _after_leaving(streams: Sequence[StreamLedger]) -> float:
    gone = [stream for stream in streams if stream.left]
    return sum(stream.after_leaving_tokens for stream in gone) / max(1, len(gone))


def _received_share(streams: Sequence[StreamLedger]) -> float:
    produced = sum(stream.produced_tokens for stream in streams)
    return sum(stream.received_tokens for stream in streams) / produced if produced else 1.0
