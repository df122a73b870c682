"""The judges of arriving: one by one or in lumps, to the end or cut off? Pure, and they count.

A reader is looked at ten times a second. Where tokens come one by one, something new has come at
nearly each look; a buffer on the way makes for few looks with news, and many without.
"""

from itertools import pairwise

from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import Verdict

LEAST_SHARE_WITH_NEWS = 0.5
FEWEST_LOOKS = 8


def looks_with_news(recording: Recording) -> tuple[int, int]:
    """Return at how many looks something new had come, of those while the LLM was producing."""
    groups = [sample.group() for sample in recording.samples]
    looks = [
        (before, now)
        for before, now in pairwise(groups)
        if now.produced_tokens > before.produced_tokens
    ]
    return sum(now.received_tokens > before.received_tokens for before, now in looks), len(looks)


def judge_arrival(recording: Recording) -> Verdict:
    """Tell "one by one" from "in lumps", for readers that read all that comes."""
    if problem := _problem(recording):
        return Verdict("unclear", problem)
    news, looks = looks_with_news(recording)
    if looks < FEWEST_LOOKS:
        return Verdict("unclear", f"the LLM was producing at {looks} looks only. Run it longer.")
    came = f"something new had come at {news:,} of {looks:,} looks."
    return Verdict("one by one" if news >= looks * LEAST_SHARE_WITH_NEWS else "in lumps", came)


def judge_end(recording: Recording) -> Verdict:
    """Tell "complete" from "cut", for readers that would have waited to the end."""
    wanted = recording.setup["answer_tokens"]
    short = [stream for stream in recording.streams if stream.received_tokens < wanted]
    got = (
        f"{len(recording.streams) - len(short):,} of {len(recording.streams):,} answers came whole"
    )
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    if recording.complaints:
        return Verdict("cut", f"{got}; {recording.complaints[0]}.")
    if short:
        return Verdict("unclear", f"{got}, and none was cut. Let the run last longer.")
    return Verdict("complete", f"{got}, of {wanted:,} tokens each.")


def _problem(recording: Recording) -> str:
    """Say what makes a run tell nothing; nothing if it does."""
    if recording.errors:
        return f"the server failed: {recording.errors[0]}. Repair that first."
    if recording.complaints:
        return f"the answers were cut: {recording.complaints[0]}. Repair that first."
    return ""
