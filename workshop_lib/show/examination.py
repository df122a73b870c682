"""What the instruments say of a case: arrivals on a line of time, and a table of counts."""

from collections.abc import Iterator
from html import escape

from workshop_lib.cases.case import TIME_LAPSE, Case
from workshop_lib.cases.causes import ENDINGS
from workshop_lib.cases.evidence import Evidence, evidence_of
from workshop_lib.cases.examination import (
    BUFFERS,
    LEAVES_READING,
    LEAVES_STALLED,
    STALLED,
    STEADY,
    TOKENS_PER_S,
    Examination,
)
from workshop_lib.meter.recording import Gauges
from workshop_lib.pipe.witness import Visit
from workshop_lib.show.bundle import show
from workshop_lib.show.strip import KEY, Strip, last_s, strip_of, strip_of_looks
from workshop_lib.show.tables import as_html, as_text
from workshop_lib.show.units import count, size

_HEAD = ("instrument", "measured")
_HEADERS = ("cache-control", "x-accel-buffering", "content-encoding")


def show_examination(seen: Examination) -> None:
    """Show what was complained of, and what the instruments say."""
    case, evidence = seen.case, evidence_of(seen)
    rows, strips = [*_rows(seen, evidence)], _strips(seen)
    title, under = f"Case {case.letter}: “{case.complaint}”", caption(case)
    lines = "\n".join(f"{strip.name.ljust(26)}{strip.marks} {strip.end}" for strip in strips)
    show(
        f"<h4>{escape(title)}</h4><pre>{escape(lines)}</pre><small>{KEY}</small>"
        f"{as_html(_HEAD, rows)}<small>{escape(under)}</small>",
        "\n".join([title, "", lines, KEY, "", as_text(_HEAD, rows), under]),
    )


def caption(case: Case) -> str:
    """State what an examination was made under."""
    return (
        f"LLM: {TOKENS_PER_S:g} tokens/s, {count(case.token_bytes, 'byte')} a token. Sockets "
        f"towards the readers: {BUFFERS.server_sndbuf:,} and {BUFFERS.reader_rcvbuf:,} bytes asked "
        f"for; towards the LLM the kernel's own. Clocks of proxies and heartbeats, and the LLM's "
        f"thinking, go {TIME_LAPSE:g} times as fast: silences are told in real life's seconds."
    )


def _strips(seen: Examination) -> list[Strip]:
    until_s = last_s(seen.browser, seen.direct)
    return [
        strip_of("browser, as its user asks", seen.browser, until_s),
        strip_of("at the server's own port", seen.direct, until_s),
        strip_of_looks("page, in a hidden tab", seen.looks),
    ]


def _rows(seen: Examination, evidence: Evidence) -> Iterator[tuple[str, str]]:
    yield "browser's answer", _answer(seen.browser, evidence)
    yield "at the server's own port", _came(seen.direct)
    yield "the answer's head", _head(seen.browser)
    yield "tabs of the browser", f"{evidence.tabs_started} of {evidence.tabs} got an answer's head"
    yield "page, in a hidden tab", _page(seen, evidence)
    yield "reader who keeps up", _share(_group(seen, STEADY))
    yield "readers who stall", _stalled(_group(seen, STALLED))
    yield "left while they read", _gone(evidence.after_reading, seen, LEAVES_READING)
    yield "left while they stalled", _gone(evidence.after_stalling, seen, LEAVES_STALLED)
    yield "order of the tokens", evidence.disorder or "each once and in order"


def _group(seen: Examination, habit: str) -> Gauges:
    return Gauges.of([one for one in seen.recording.streams if one.habit == habit])


def _came(visit: Visit) -> str:
    reads = sum(arrival.tokens > 0 for arrival in visit.arrivals)
    return f"{count(visit.tokens, 'token')} in {count(reads, 'read')}; it {ENDINGS[visit.ended]}"


def _answer(visit: Visit, evidence: Evidence) -> str:
    cut = f", {evidence.last_silence_s:.0f} s after its last byte" if visit.ended == "cut" else ""
    return f"{_came(visit)}{cut}; the LLM made {count(evidence.browser_made, 'token')} for it"


def _head(visit: Visit) -> str:
    told = [f"{name}: {visit.headers[name]}" for name in _HEADERS if name in visit.headers]
    return "; ".join(told) or "none of " + ", ".join(_HEADERS)


def _page(seen: Examination, evidence: Evidence) -> str:
    last = seen.looks[-1] if seen.looks else None
    if last is None:
        return "it had no time to begin: examine the case again"
    return (
        f"{count(last.messages, 'message')}, {last.empty} of them without data; it says "
        f"{last.says!r}; at most {count(evidence.page_behind, 'token')} read half a second before "
        "and not shown"
    )


def _share(group: Gauges) -> str:
    return f"got {group.received_tokens:,} of {count(group.produced_tokens, 'token')}"


def _stalled(group: Gauges) -> str:
    if group.queued_tokens is None:
        return "what lay in the server's own queues cannot be seen here"
    return (
        f"of {count(group.produced_tokens, 'token')} {group.queued_tokens:,} lay in the server's "
        f"own queues, and {group.llm_tokens or 0:,} in the sockets from the LLM; "
        f"{size(group.write_buffer_bytes or 0)} lay in its write buffers"
    )


def _gone(tokens: float, seen: Examination, habit: str) -> str:
    left = _group(seen, habit).left
    return f"for each of {left} the LLM went on for {tokens:.0f} tokens"
