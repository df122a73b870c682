"""A chart in one sentence, and the conditions under which it was made. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.recording import Gauges, Recording
from workshop_lib.show.money import Price
from workshop_lib.show.units import count, size
from workshop_lib.verdict import HEALTHY, OWN_QUEUES, holder, judge, slow_habits

LEAVER = "leaver"


def shown_habits(setup: Mapping[str, Any]) -> list[str]:
    """Name the habits that hold the pipe back; all of them if none does."""
    return slow_habits(setup) or list(setup["mix"])


def has_slow(setup: Mapping[str, Any]) -> bool:
    """Tell whether some readers hold the pipe back."""
    return bool(slow_habits(setup))


def has_healthy(setup: Mapping[str, Any]) -> bool:
    """Tell whether there are healthy readers beside slow ones."""
    return has_slow(setup) and HEALTHY in setup["mix"] and HEALTHY not in slow_habits(setup)


def is_about_leaving(setup: Mapping[str, Any]) -> bool:
    """Tell whether those who are not healthy all leave."""
    others = [habit for habit in setup["mix"] if habit != HEALTHY]
    return bool(others) and all(habit.startswith(LEAVER) for habit in others)


def describe(recording: Recording, price: Price | None = None) -> str:
    """Say the chart in one sentence, as of its last sample, with the verdict's word at the end."""
    if not recording.samples:
        return "Nothing was recorded: let the run go on for a few seconds."
    if is_about_leaving(recording.setup):
        return _describe_leaving(recording, price)
    last, habits = recording.samples[-1], shown_habits(recording.setup)
    slow = last.group(habits)
    parts = [
        f"After {last.t_s:.1f} s the LLM had produced {count(slow.produced_tokens, 'token')} for "
        f"{_who(slow, habits)}, who had received {slow.received_tokens:,}",
        _inside(slow, holder(recording.setup)) + _on_the_link(slow, recording.setup),
        *_healthy(last.habits.get(HEALTHY), habits),
        _memory(last.rss_bytes),
    ]
    return "; ".join(parts) + f": {judge(recording).outcome}."


def wasted(tokens: int, price: Price | None) -> str:
    """Say how many tokens were produced for nobody, and what they cost where a price is given."""
    cost = f", {price.words(tokens)} of your money" if price else ""
    return f"{count(tokens, 'token')} for nobody{cost}"


def _describe_leaving(recording: Recording, price: Price | None) -> str:
    last, habits = recording.samples[-1], shown_habits(recording.setup)
    gone = last.group(habits)
    parts = [
        f"After {last.t_s:.1f} s {gone.left:,} of {count(gone.readers, 'reader')} had left; for "
        f"them the LLM had produced {count(gone.produced_tokens, 'token')}, of which they got "
        f"{gone.received_tokens:,}",
        f"that makes {wasted(gone.wasted_tokens, price)}",
        *_healthy(last.habits.get(HEALTHY), habits),
    ]
    # until a run has ended, nobody knows what became of its streams
    verdict = f": {judge_leaving(recording).outcome}" if recording.streams else ""
    stated = f" At {price}." if price else ""
    return "; ".join(parts) + f"{verdict}.{stated}"


def caption(setup: Mapping[str, Any]) -> str:
    """State what a chart was measured under: readers, rates, buffers asked and granted, pace."""
    mix = ", ".join(f"{number:,} {habit}" for habit, number in setup["mix"].items())
    rate = setup["tokens_per_s"]
    paced = f"{count(rate, 'token')}/s for each reader" if rate else "as fast as it can"
    parts = [
        f"Server {setup['server']}; {count(setup['readers'], 'reader')} ({mix})",
        f"LLM: {paced}, {count(setup['token_bytes'], 'byte')} a token",
        f"socket buffers, asked and granted: {_buffers(setup)}",
        _high_water(setup),
        *_link(setup.get("link")),
        *_proxy(setup.get("proxy")),
        *(["each reader has a WebSocket"] if setup.get("websocket") else []),
        *_lapse(setup.get("time_lapse", 1)),
        *([] if is_about_leaving(setup) else ["memory is the process's RSS above its baseline"]),
    ]
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."


def unseen(recording: Recording) -> str:
    """Name the stations that could not be looked into; nothing if all could."""
    if not recording.samples or is_about_leaving(recording.setup):
        return ""
    last = recording.samples[-1]
    every = last.group()
    gauges = {
        "the server's own queues": every.queued_bytes,
        "its write buffers": every.write_buffer_bytes,
        "the kernel's queues": every.kernel_bytes,
        "memory": last.rss_bytes,
    }
    missing = [name for name, value in gauges.items() if value is None]
    return f"Not visible here, so not drawn: {_listed(missing)}." if missing else ""


def _who(slow: Gauges, habits: Iterable[str]) -> str:
    healthy_only = list(habits) == [HEALTHY]
    return count(slow.readers, "reader" if healthy_only else "slow reader")


def _inside(slow: Gauges, queues: str) -> str:
    if slow.queued_tokens is None or slow.queued_bytes is None:
        queued = f"what lay in the {queues} cannot be seen here"
    else:
        queued = (
            f"{count(slow.queued_tokens, 'token')} ({size(slow.queued_bytes)}) lay in the {queues}"
        )
    own = f", {_bytes(slow.write_buffer_bytes)} in its write buffers"
    kernel = f", {_bytes(slow.kernel_bytes)} in the kernel"
    return f"{queued}{own if queues == OWN_QUEUES else ''}{kernel}"


def _bytes(value: int | None) -> str:
    return "an unseen amount" if value is None else size(value)


def _healthy(healthy: Gauges | None, slow: Iterable[str]) -> list[str]:
    if healthy is None or HEALTHY in slow:
        return []
    return [
        f"{count(healthy.readers, 'healthy reader')} got {healthy.received_tokens:,} of "
        f"{count(healthy.produced_tokens, 'token')}"
    ]


def _memory(rss_bytes: int | None) -> str:
    if rss_bytes is None:
        return "the memory cannot be seen here"
    where = "above" if rss_bytes >= 0 else "below"
    return f"memory stood {size(abs(rss_bytes))} {where} the baseline"


def _buffers(setup: Mapping[str, Any]) -> str:
    sockets = {
        "LLM send": "llm_sndbuf",
        "server receive": "server_rcvbuf",
        "server send": "sndbuf",
        "reader receive": "rcvbuf",
    }
    return ", ".join(
        f"{name} {_asked(setup.get(f'{key}_asked'))} / {_granted(setup.get(f'{key}_granted'))}"
        for name, key in sockets.items()
    )


def _asked(asked: int | None) -> str:
    if asked is None:
        return "unknown"
    return size(asked) if asked and asked % 1000 == 0 else f"{asked:,} B" if asked else "nothing"


def _granted(granted: int | None) -> str:
    return "unknown" if granted is None else f"{granted:,} B"


def _high_water(setup: Mapping[str, Any]) -> str:
    if setup.get("sndbuf_granted") is None:
        return "the server's high-water mark is its own affair"
    mark = setup.get("high_water_bytes")
    return (
        "high-water mark 65,536 B (asyncio's own)"
        if mark is None
        else (f"high-water mark {mark:,} B")
    )


def _link(link: Mapping[str, float] | None) -> list[str]:
    if not link:
        return []
    pace, delay = size(link["bytes_per_s"]), f"{link['round_trip_s']:g}"
    return [f"a link of {pace}/s for each reader, {delay} s there and back"]


def _proxy(proxy: Mapping[str, Any] | None) -> list[str]:
    if not proxy:
        return []
    buffering = "on" if proxy["buffering"] else "off"
    return [
        f"in between {proxy['name']}, HTTP/{proxy['http']} to the server, buffering {buffering}"
    ]


def _on_the_link(slow: Gauges, setup: Mapping[str, Any]) -> str:
    return f", {size(slow.link_bytes)} on the link" if setup.get("link") else ""


def _lapse(time_lapse: float) -> list[str]:
    return [] if time_lapse == 1 else [f"time-lapse: {time_lapse:g} times as fast as real life"]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
